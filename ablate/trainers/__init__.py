"""How one trial is trained; torch lives only here. `config` and `interface` import no torch."""
