"""Which band is which: ``names`` common names in words, ``sensors`` codes such as B04, ``band_option`` ``--bands``.

In: texts of files and options. Out: STAC common names, sensors. May import: errors, raster.types.
"""
