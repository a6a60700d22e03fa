"""Audio files as mono float32 samples."""

AUDIO_EXTENSIONS = ("wav", "au", "flac", "ogg", "opus", "mp3")
NOT_AUDIO = f"not {', '.join(AUDIO_EXTENSIONS[:-1])} or {AUDIO_EXTENSIONS[-1]}"
