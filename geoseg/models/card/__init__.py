"""What a model card says: bands, value scaling, classes, geometry; and whether a scene fits.

``card`` the card; ``stac`` its form as a STAC MLM item; ``scaling`` digital numbers -> network input; ``contract``
holds a scene against a card; ``known_answer`` a test vector. In and out: values, no pixels of scenes.
May import: raster, classes, system. Never imports torch.
"""
