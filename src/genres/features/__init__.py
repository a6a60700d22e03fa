"""Waveform to mel spectrogram in dB."""
