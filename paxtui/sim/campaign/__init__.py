"""Many runs: seeds in parallel, sums over them, and failures made small and kept."""
