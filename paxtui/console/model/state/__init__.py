"""Facts folded from telemetry: what each replica said of slots, ballots and values. No judgement."""
