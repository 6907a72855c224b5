"""Custom actions: rasa-sdk's `Action`s, run in this process. The only package that imports rasa_sdk."""
