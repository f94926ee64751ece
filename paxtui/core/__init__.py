"""Multi-Paxos without I/O: start here.

**What this package is.** One replica of a replicated log as a value machine: no sockets, no disk, no clock,
no randomness of its own, no logging. It is given inputs and gives back effects, in the manner of h11,
aioquic and etcd's raft package. The same code runs in a replica process (``paxtui.replica``), in the
deterministic simulator (``paxtui.sim``) and in tests that deliver each message by hand.

**The contract.** Inputs are methods of :class:`~paxtui.core.replica.Replica`: ``receive(sender, message,
now)``, ``propose(command, now)``, ``read(ticket, now)``, ``wake(now)``, ``durable(batch, now)`` and the
operator's verbs. ``now`` is monotonic seconds. After some inputs the host calls ``take(now)`` and
treats the :class:`~paxtui.core.output.Output` like this::

    output = replica.take(now)
    trace(output.events)                       # what was decided, for people and checkers
    answer(output.replies); apply(output.applied); fetch(output.fetches)
    send(gate.admit(output))                   # what may leave before the disk is done
    disk.submit(output.batch, output.writes)   # one transaction, in order; does not wait
    # later, when batch b and all before it are on disk:
    send(gate.durable(b)); replica.durable(b, now)
    # and at replica.deadline:
    replica.wake(now)

``gate`` is a :class:`~paxtui.core.durability_gate.DurabilityGate`, one for each start of a replica. It keeps
the messages that wait for the disk, so that no host has to decide which do: the replica process, the
simulator and the tests all send what it returns, and nothing else.

Several batches may be on their way to the disk at once. If a commit fails, its outcome is unknown: the
host stops, and whatever the disk holds afterwards must be right. It is, because nothing that depended on
the failed batch has left. (PostgreSQL learned in 2018 that to ask the kernel again is no way out: after a
failed ``fsync`` it may call pages clean that it has dropped.)

**Which messages wait for the disk.** A promise and a vote bind an acceptor for ever, so Promise and Accepted
wait, and so does Prepare, whose round must never be used twice (Paxos Made Simple, 2.5). A leader's Accept
does not wait: its own vote counts, like everybody's, only when ``durable`` says so, and meanwhile all disks
work at the same time (the Raft dissertation calls it writing to the leader's disk in parallel, 10.2.1).
Replies wait for nothing more: a command is answered when it is applied, it is applied when it is chosen, and
then a majority has it on disk. Which host's disk is among them does not matter.

**One paragraph a message** (:mod:`~paxtui.core.messages`):

- *PreVote / PreVoteReply*: would a majority help me to lead? Asked before a ballot is used up, so a replica
  that is deaf or just back disturbs nobody.
- *Prepare / Promise*: phase 1 for every slot from the proposer's watermark on. Promises come in pages that
  the proposer pulls; they list all votes above the acceptor's own watermark, and state that watermark.
- *Nack*: the ballot is refused, and why: a higher promise, or loyalty to a live leader.
- *Accept / Accepted*: phase 2 for a run of consecutive slots. Votes are counted by (slot, ballot).
- *Chosen*: the leader's tally; who voted at that ballot now knows the value.
- *Heartbeat / HeartbeatAck*: the leader lives and has learned so much; the answers keep it in office and
  confirm linearizable reads.
- *CatchUp / Entries*: learned slots in pages, from anybody who has them.
- *SnapshotAsk / Snapshot*: where those slots are removed, the state that they led to, in pages.

**Where to read on.** ``acceptor`` (two rules, all of safety), ``phase1`` (whose value a new leader must
propose), ``leader`` (its proposals and their tally), ``durability_gate`` (what waits for the disk),
``learner`` (what is chosen, in order), ``log_server`` (help for those who are behind), ``sessions`` (exactly
once), ``proposer`` (when to try to lead), ``leader_requests`` (what clients ask of a leader), ``validation``
(what no honest replica says), ``dispatch`` (which role sees which message), ``replica`` (the order of
effects). A broken rule raises :class:`~paxtui.core.errors.InvariantViolated`.

**Sources**, by the names under which comments cite them:

- *Paxos Made Simple*: Lamport, 2001. Rules P1a to P2c, and the only definition of safety that counts here.
- *Paxos Made Moderately Complex*: van Renesse and Altinbuken, 2015. The same with ballots, slots, commanders.
- *Paxos Made Live*: Chandra, Griesemer and Redstone, 2007. What Chubby met: bad disks, leases, snapshots.
- *The Raft dissertation*: Ongaro, *Consensus: Bridging Theory and Practice*, 2014. Pre-vote, loyalty, read
  index, sessions, log compaction; none of these is peculiar to Raft.
- *Viewstamped Replication Revisited*: Liskov and Cowling, 2012. Client tables, state transfer, recovery.
- etcd-io/raft, h11: how a protocol is written without I/O, and how its contract is told.

Names such as ``phxpaxos#145`` are issues of other projects in which a rule was learned the hard way.
"""
