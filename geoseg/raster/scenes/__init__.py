"""From a path or URL to the files of a scene, with the band metadata that the scene states.

``discover`` finds out what a path is, ``products`` which product a folder or archive (``product``) holds, read by
``sentinel2``, ``landsat``, ``dimap``; ``by_name`` files with telling names, ``stac`` items, ``zarr_store`` Zarr stores
(``eopf`` those of EOPF); ``scene`` holds the values they return (``SceneFiles``); ``suffixes`` which files count.
May import: raster.gdal, raster.bands, raster.probe.
"""
