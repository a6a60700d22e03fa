"""The genre of a song: any trained model, applied to audio of any length."""
