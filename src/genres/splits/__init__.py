"""Who trains and who is tested, and which test clips the training has heard already."""
