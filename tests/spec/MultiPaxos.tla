----------------------------- MODULE MultiPaxos -----------------------------
(* Multi-Paxos as paxtui's acceptors see it: what is on their disks and what was said, nothing else.     *)
(* Roles, messages in flight, timers, clients and crashes are left out. Nothing said is ever forgotten,  *)
(* so losing, repeating and delaying messages needs no action; what an acceptor says is on its disk, so  *)
(* a crash needs none either. What a crash does take is told by TraceMultiPaxos.                         *)
(* Quotations: Paxos Made Simple. SafeAt is Lamport's ShowsSafeAt (Voting.tla), read off the promises.   *)
EXTENDS Naturals, FiniteSets

CONSTANTS Acceptors, Values, Ballots, Slots
ASSUME Ballots \subseteq Nat \ {0} /\ Slots \subseteq Nat

VARIABLES
    prepared,   \* the ballots in use: "(in stable storage) the highest-numbered proposal it has tried to issue"
    promised,   \* promised[a]: no vote of a is below this ballot any more, in any slot; 0 at first
    told,       \* told[b]: the promises of b, each [by, learned, votes]
    reign,      \* reign[b]: the leader of b, [quorum, base]; no quorum: b does not lead yet, or never did
    proposals,  \* proposals[s]: what was ever proposed in slot s, each <<ballot, value>>
    votes       \* votes[s]: who ever voted for what in slot s, each <<acceptor, ballot, value>>
vars == <<prepared, promised, told, reign, proposals, votes>>

Majorities == {q \in SUBSET Acceptors : 2 * Cardinality(q) > Cardinality(Acceptors)}
Quorums == Majorities   \* what a leader takes for one
Voters(s, b, v) == {a \in Acceptors : <<a, b, v>> \in votes[s]}
Chosen(s) == {v \in {p[2] : p \in proposals[s]} :
                \E p \in proposals[s] : p[2] = v /\ Voters(s, p[1], v) \in Majorities}
Learnable(w) == \A s \in Slots : s < w => Chosen(s) # {}   \* whether a watermark of w can be true

(* What acceptor a's disk holds in slot s: its last vote as <<slot, ballot, value>>, or nothing. *)
Last(a, s) ==
    LET mine == {x \in votes[s] : x[1] = a}
    IN  {<<s, x[2], x[3]>> : x \in {y \in mine : \A z \in mine : z[2] <= y[2]}}

-----------------------------------------------------------------------------
(* A ballot is used once. It carries its proposer's id, so that proposer alone takes it. *)
Prepare(b) ==
    /\ b \notin prepared
    /\ prepared' = prepared \cup {b}
    /\ UNCHANGED <<promised, told, reign, proposals, votes>>

(* Phase 1b for all slots at once: "a promise not to accept any more proposals numbered less than n and *)
(* with the highest-numbered proposal (if any) that it has accepted". Slots below the stated watermark  *)
(* are learned and not reported.                                                                        *)
Report(a, w) == UNION {Last(a, s) : s \in {s \in Slots : s >= w}}
Promise(a, b, w) ==
    /\ b \in prepared /\ promised[a] <= b
    /\ \A p \in told[b] : p.by # a
    /\ Learnable(w)
    /\ promised' = [promised EXCEPT ![a] = b]
    /\ told' = [told EXCEPT ![b] = @ \cup {[by |-> a, learned |-> w, votes |-> Report(a, w)]}]
    /\ UNCHANGED <<prepared, reign, proposals, votes>>

(* A majority promised b. The leader never proposes below the highest watermark that it was told. *)
FirstAllowed(b, q, first) == \A p \in told[b] : p.by \in q => p.learned <= first
Lead(b, q, first) ==
    /\ reign[b].quorum = {} /\ q \in Quorums
    /\ \A a \in q : \E p \in told[b] : p.by = a
    /\ FirstAllowed(b, q, first) /\ Learnable(first)
    /\ reign' = [reign EXCEPT ![b] = [quorum |-> q, base |-> first]]
    /\ UNCHANGED <<prepared, promised, told, proposals, votes>>

(* P2c, "the value of the highest-numbered proposal among the responses, or ... any value if the        *)
(* responses reported no proposals". One whom the quorum did without may have reported a still higher   *)
(* one: nobody of the quorum voted between that and b, so it is as safe.                                *)
SafeAt(s, b, v) ==
    LET reports(q) == {r \in UNION {p.votes : p \in {p \in told[b] : p.by \in q}} : r[1] = s /\ r[2] < b}
        quorums == reports(reign[b].quorum)
    IN  quorums = {} \/ \E r \in reports(Acceptors) : r[3] = v /\ \A x \in quorums : x[2] <= r[2]
Propose(s, b, v) ==
    /\ reign[b].quorum # {} /\ s >= reign[b].base
    /\ \A p \in proposals[s] : p[1] # b
    /\ SafeAt(s, b, v)
    /\ proposals' = [proposals EXCEPT ![s] = @ \cup {<<b, v>>}]
    /\ UNCHANGED <<prepared, promised, told, reign, votes>>

(* Phase 2b, P1a: "iff it has not responded to a prepare request having a number greater than n". *)
Vote(a, s, b, v) ==
    /\ <<b, v>> \in proposals[s] /\ promised[a] <= b
    /\ promised' = [promised EXCEPT ![a] = b]
    /\ votes' = [votes EXCEPT ![s] = @ \cup {<<a, b, v>>}]
    /\ UNCHANGED <<prepared, told, reign, proposals>>

(* An Accept binds also where it gets no vote: all of its slots are learned here, or too far ahead. *)
Bind(a, b) ==
    /\ promised[a] < b /\ \E s \in Slots : \E p \in proposals[s] : p[1] = b
    /\ promised' = [promised EXCEPT ![a] = b]
    /\ UNCHANGED <<prepared, told, reign, proposals, votes>>

-----------------------------------------------------------------------------
Watermarks == {0} \cup {s + 1 : s \in Slots}
Init ==
    /\ prepared = {}
    /\ promised = [a \in Acceptors |-> 0]
    /\ told = [b \in Ballots |-> {}]
    /\ reign = [b \in Ballots |-> [quorum |-> {}, base |-> 0]]
    /\ proposals = [s \in Slots |-> {}]
    /\ votes = [s \in Slots |-> {}]
Next ==
    \/ \E b \in Ballots : Prepare(b)
    \/ \E a \in Acceptors, b \in Ballots, w \in Watermarks : Promise(a, b, w)
    \/ \E b \in Ballots, q \in Quorums, w \in Watermarks : Lead(b, q, w)
    \/ \E s \in Slots, b \in Ballots, v \in Values : Propose(s, b, v)
    \/ \E a \in Acceptors, s \in Slots, b \in Ballots, v \in Values : Vote(a, s, b, v)
    \/ \E a \in Acceptors, b \in Ballots : Bind(a, b)
Spec == Init /\ [][Next]_vars

TypeOK ==
    /\ prepared \subseteq Ballots /\ promised \in [Acceptors -> Ballots \cup {0}]
    /\ \A s \in Slots : proposals[s] \subseteq Ballots \X Values
    /\ \A s \in Slots : votes[s] \subseteq Acceptors \X Ballots \X Values
OneValuePerBallot ==
    \A s \in Slots : /\ \A p, q \in proposals[s] : p[1] = q[1] => p = q
                     /\ \A x, y \in votes[s] : x[2] = y[2] => x[3] = y[3]
VoteRespectsPromise == \A s \in Slots : \A x \in votes[s] : x[2] <= promised[x[1]]
Agreement == \A s \in Slots : Cardinality(Chosen(s)) <= 1
PromiseMonotone == [][\A a \in Acceptors : promised'[a] >= promised[a]]_vars
NoVoteBelowPromise == [][\A s \in Slots : \A x \in votes'[s] \ votes[s] : x[2] >= promised[x[1]]]_vars
ChosenIsStable == [][\A s \in Slots : Chosen(s) \subseteq Chosen(s)']_vars
=============================================================================
