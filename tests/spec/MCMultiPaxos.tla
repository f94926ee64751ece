---------------------------- MODULE MCMultiPaxos ----------------------------
(* MultiPaxos for exhaustive checking. Five choices are left out that only forbid later steps, so that  *)
(* every vote and proposal of the full specification remains reachable: a ballot that is not prepared   *)
(* yet, a quorum larger than it must be, a leader that begins above the highest watermark it was told,  *)
(* an Accept that binds without a vote, and a first ballot that is not led yet (there are no votes      *)
(* below it to ask for, and none to forbid).                                                            *)
EXTENDS MultiPaxos, TLC

Symmetry == Permutations(Acceptors) \cup Permutations(Values)

SmallestQuorums == {q \in Majorities : \A a \in q : q \ {a} \notin Majorities}
Highest(b, q) ==
    CHOOSE w \in Watermarks : /\ FirstAllowed(b, q, w)
                              /\ \A u \in Watermarks : FirstAllowed(b, q, u) => w <= u

MCInit ==
    /\ prepared = Ballots
    /\ promised = [a \in Acceptors |-> 1]
    /\ told = [b \in Ballots |-> IF b > 1 THEN {} ELSE [by : Acceptors, learned : {0}, votes : {{}}]]
    /\ reign = [b \in Ballots |-> [quorum |-> IF b > 1 THEN {} ELSE Acceptors, base |-> 0]]
    /\ proposals = [s \in Slots |-> {}]
    /\ votes = [s \in Slots |-> {}]
MCNext ==
    \/ \E a \in Acceptors, b \in Ballots, w \in Watermarks : Promise(a, b, w)
    \/ \E b \in Ballots : \E q \in Quorums : Lead(b, q, Highest(b, q))
    \/ \E s \in Slots, b \in Ballots, v \in Values : Propose(s, b, v)
    \/ \E a \in Acceptors, s \in Slots, b \in Ballots, v \in Values : Vote(a, s, b, v)
MCSpec == MCInit /\ [][MCNext]_vars

(* Wrong on purpose: with any of these in place of the right one, Agreement must fail. *)
AnyValueIsSafe(s, b, v) == TRUE
AnyReportIsSafe(s, b, v) ==
    LET reports == {r \in UNION {p.votes : p \in told[b]} : r[1] = s}
    IN  reports = {} \/ \E r \in reports : r[3] = v
AnyFirst(b, q, first) == TRUE
Minorities == {{a} : a \in Acceptors}
NothingIsHeld(a, s) == {}
=============================================================================
