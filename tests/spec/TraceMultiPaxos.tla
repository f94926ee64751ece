-------------------------- MODULE TraceMultiPaxos --------------------------
(* Is a recorded run a behaviour of MultiPaxos? Each event of a trace is one step: an action of          *)
(* MultiPaxos with the event's values, or, for what only looks, a condition on the state. If no step is  *)
(* possible, the trace is rejected at that event. traces.py writes the module Traces and reads progress. *)
EXTENDS MultiPaxos, Sequences, TLC, Traces

VARIABLES
    t, i,       \* the trace, and its next event
    mark,       \* mark[a]: the learned watermark in a's memory
    round,      \* round[a]: the last ballot that a's proposer took
    counted,    \* whose promise was counted in full, and for what: <<ballot, acceptor>>
    gone        \* whose disk takes nothing any more, because a crash is near
tvars == <<t, i, mark, round, counted, gone>>

e == Traces[t][i]
Run == e.first .. e.first + e.count - 1
NothingSaid == UNCHANGED vars
PromiseOf(a, b) == {p \in told[b] : p.by = a}
Held(a, w) == Cardinality(Report(a, w))
Max(m, n) == IF m > n THEN m ELSE n

(* Events come when they are decided. Those that bind an acceptor are on disk a little later, and a      *)
(* crash may take the last of them: nothing had left that depended on them, so they never happened.      *)
(* e.maybe says that this is possible: a restart follows, and nobody counted it.                        *)
Lost ==
    /\ e.maybe
    /\ gone' = gone \cup {e.by}
    /\ NothingSaid /\ UNCHANGED <<mark, round, counted>>
Kept == e.by \notin gone /\ UNCHANGED gone

(* A replica starts with what its disk holds: exactly what was promised, taken and voted, and at least   *)
(* the watermark on which others may build. An Accept that bound it without a vote left no event.        *)
Restored ==
    /\ round[e.by] = e.round
    /\ IF promised[e.by] = e.ballot THEN NothingSaid ELSE Bind(e.by, e.ballot)
    /\ Learnable(e.first) /\ Held(e.by, e.first) = e.votes
    /\ \A b \in Ballots : \A p \in PromiseOf(e.by, b) : p.learned <= e.first
    /\ mark' = [mark EXCEPT ![e.by] = e.first]
    /\ gone' = gone \ {e.by}
    /\ UNCHANGED <<round, counted>>

RoundTaken ==
    /\ Owners[t][e.ballot] = e.by /\ e.ballot > round[e.by] /\ e.ballot > promised[e.by]
    /\ Prepare(e.ballot)
    /\ round' = [round EXCEPT ![e.by] = e.ballot]
    /\ UNCHANGED <<mark, counted>>

(* A page: it must tell all votes that are held from its first slot on, if it is the last one. *)
Promised ==
    /\ LET held == Held(e.by, Max(e.first, mark[e.by]))
       IN  IF e.last THEN e.votes = held ELSE e.votes < held
    /\ IF PromiseOf(e.by, e.ballot) # {}
       THEN promised[e.by] = e.ballot /\ NothingSaid
       ELSE Promise(e.by, e.ballot, mark[e.by])
    /\ UNCHANGED <<mark, round, counted>>
PromiseCounted ==
    /\ Owners[t][e.ballot] = e.by /\ PromiseOf(e.sender, e.ballot) # {}
    /\ counted' = IF e.last THEN counted \cup {<<e.ballot, e.sender>>} ELSE counted
    /\ NothingSaid /\ UNCHANGED <<mark, round, gone>>
Elected ==
    /\ Owners[t][e.ballot] = e.by /\ \A a \in e.quorum : <<e.ballot, a>> \in counted
    /\ Lead(e.ballot, e.quorum, e.first)
    /\ UNCHANGED <<mark, round, counted, gone>>
Proposed ==
    /\ Owners[t][e.ballot] = e.by
    /\ Propose(e.first, e.ballot, e.value)
    /\ UNCHANGED <<mark, round, counted, gone>>

Voted ==
    /\ e.first >= mark[e.by]
    /\ \E p \in proposals[e.first] :
         /\ p[1] = e.ballot /\ p[2] = e.value
         /\ Vote(e.by, e.first, e.ballot, p[2])
    /\ UNCHANGED <<mark, round, counted>>
VotesCounted ==
    /\ Owners[t][e.ballot] = e.by
    /\ \A s \in Run : \E x \in votes[s] : x[1] = e.sender /\ x[2] = e.ballot
    /\ NothingSaid /\ UNCHANGED <<mark, round, counted, gone>>
ChosenSeen ==
    /\ \A s \in Run : \E p \in proposals[s] : p[1] = e.ballot /\ Voters(s, e.ballot, p[2]) \in Majorities
    /\ NothingSaid /\ UNCHANGED <<mark, round, counted, gone>>
Learned ==
    /\ \A s \in Run : LET v == e.values[s - e.first + 1] IN v \in Chosen(s)
    /\ NothingSaid /\ UNCHANGED <<mark, round, counted, gone>>
(* Slots are applied one after the other, or another replica's state takes their place: one that they    *)
(* led to, so all of them are chosen.                                                                     *)
Applied ==
    /\ e.first = mark[e.by] /\ \A s \in Run : Chosen(s) # {}
    /\ mark' = [mark EXCEPT ![e.by] = e.first + e.count]
    /\ NothingSaid /\ UNCHANGED <<round, counted, gone>>

TraceInit ==
    /\ Init
    /\ t \in 1 .. Len(Traces) /\ i = 1
    /\ mark = [a \in Acceptors |-> 0] /\ round = [a \in Acceptors |-> 0]
    /\ counted = {} /\ gone = {}
TraceNext ==
    /\ i <= Len(Traces[t]) /\ i' = i + 1 /\ t' = t
    /\ CASE e.event = "restored" -> Restored
         [] e.event = "round-taken" -> Lost \/ (Kept /\ RoundTaken)
         [] e.event = "promised" -> Lost \/ (Kept /\ Promised)
         [] e.event = "promise-received" -> PromiseCounted
         [] e.event = "elected" -> Elected
         [] e.event = "proposed" -> Proposed
         [] e.event = "voted" -> Lost \/ (Kept /\ Voted)
         [] e.event = "accepted-received" -> VotesCounted
         [] e.event = "chosen-seen" -> ChosenSeen
         [] e.event = "learned" -> Learned
         [] e.event = "applied-to" -> Applied
         [] e.event = "snapshot-taken" -> Applied
TraceSpec == TraceInit /\ [][TraceNext]_<<vars, tvars>>

AgreementAtTheEnd == i > Len(Traces[t]) => Agreement /\ OneValuePerBallot /\ VoteRespectsPromise

(* Tells how far each trace came: what TLC prints last of a trace is its first event without a step. *)
ASSUME \A n \in 1 .. Len(Traces) : TLCSet(n, 0)
Progress == IF i > TLCGet(t) THEN TLCSet(t, i) /\ PrintT(<<t, i>>) ELSE TRUE
=============================================================================
