"""LoRAs: what a file is, whether it fits a model, and how it is applied without touching the model's weights.

Sits beside `models`, below the engines. No module here imports torch when it is imported: the window lists files by
their headers. `adapters.apply` is the way in for engines; `library` for the window and the command line.
"""
