"""The tools: one file each, with its declaration and its effect; ``toolbox`` lists them."""
