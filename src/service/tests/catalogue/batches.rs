//! Devices that ask at once share statements, and nothing else.
