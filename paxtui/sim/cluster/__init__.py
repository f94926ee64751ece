"""One run of a whole cluster in virtual time: network, disks, clocks, clients and faults."""
