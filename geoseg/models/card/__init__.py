"""What a model card states: bands, value scaling, classes, window geometry; and whether a scene fits it.

``card`` the card; ``stac`` its form as a STAC MLM item; ``summary`` its text for people; ``scaling`` digital numbers
-> network input; ``contract`` checks a scene against a card; ``known_answer`` the test vector. In and out: values, no
pixels of scenes. May import: raster, classes, tiling, system. Never imports torch.
"""
