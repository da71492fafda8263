"""Image and video models that run elsewhere, through Replicate's official client. Off unless it is switched on."""
