"""Which places are held out for validation: square blocks on the ground, or the user's groups.

``split`` holds out blocks so that both parts have every class; ``groups`` holds out groups of images or polygons;
``split_choice`` applies one of them. In: label counts per cell. Out: training and validation cells of each image.
May import: train.data, train.options.
"""
