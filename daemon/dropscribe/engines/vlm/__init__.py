"""What engines of vision-language models share: how they are asked, watched and understood. It runs no model."""
