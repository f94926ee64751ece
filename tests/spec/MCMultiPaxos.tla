---------------------------- MODULE MCMultiPaxos ----------------------------
EXTENDS MultiPaxos, TLC
Symmetry == Permutations(Acceptors) \cup Permutations(Values)
=============================================================================
