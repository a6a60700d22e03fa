"""Many runs of every model, on other splits and from other initialisations: how much results vary, and what is sure."""
