<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="fr" sourcelanguage="en">
<context>
    <name>GeoSeg</name>
    <message>
        <location filename="../accuracy.py"/>
        <source>Accuracy and areas</source>
        <translation>Précision et surfaces</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>1. Points</source>
        <translation>1. Points</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Drawn at random within each class; more points give narrower intervals</source>
        <translation>Tirés au hasard dans chaque classe ; plus de points donnent des intervalles plus étroits</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Draw points</source>
        <translation>Tirer des points</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../algorithms/evaluate.py"/>
        <location filename="../algorithms/polygonize.py"/>
        <location filename="../algorithms/segment.py"/>
        <source>Class map</source>
        <translation>Carte de classes</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../accuracy_report.py"/>
        <source>Points</source>
        <translation>Points</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../render_dialog.py"/>
        <source>File</source>
        <translation>Fichier</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>2. What do you see at the marked point?</source>
        <translation>2. Que voyez-vous au point marqué ?</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Leave the point without a class; it does not count</source>
        <translation>Laisser le point sans classe ; il ne compte pas</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>3. Report</source>
        <translation>3. Rapport</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Make the report</source>
        <translation>Créer le rapport</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Points to interpret</source>
        <translation>Points à interpréter</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>GeoSeg: accuracy</source>
        <translation>GeoSeg : précision</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../change_result.py"/>
        <source>Back</source>
        <translation>Retour</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Skip</source>
        <translation>Passer</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Run a model on a raster first, or add its class map to the project.</source>
        <translation>Appliquez d'abord un modèle à un raster, ou ajoutez sa carte de classes au projet.</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Continue with these points</source>
        <translation>Continuer avec ces points</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Point {place} of {count}, {done} done</source>
        <translation>Point {place} sur {count}, {done} faits</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Saved as {page} and {report}</source>
        <translation>Enregistré sous {page} et {report}</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>{path} holds no points of geoseg</source>
        <translation>{path} ne contient pas de points de geoseg</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../corrections.py"/>
        <location filename="../object_labels.py"/>
        <source>{path} cannot be written</source>
        <translation>{path} ne peut pas être écrit</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../label_layer.py"/>
        <location filename="../rendered.py"/>
        <location filename="../vectors.py"/>
        <source>{path} cannot be written: {reason}</source>
        <translation>{path} ne peut pas être écrit : {reason}</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>{predicted} compared with {reference}</source>
        <translation>{predicted} comparé à {reference}</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Confusion matrix</source>
        <translation>Matrice de confusion</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <location filename="../new_classes.py"/>
        <location filename="../panel_objects.py"/>
        <location filename="../panel_result.py"/>
        <location filename="../sketch_table.py"/>
        <source>Class</source>
        <translation>Classe</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>User's accuracy</source>
        <translation>Précision de l'utilisateur</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Producer's accuracy</source>
        <translation>Précision du producteur</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Reference, px</source>
        <translation>Référence, px</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>± are half widths of 95 % confidence intervals.</source>
        <translation>± : demi-largeurs des intervalles de confiance à 95 %.</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>map ▸ reference</source>
        <translation>carte ▸ référence</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>reference ▸ map</source>
        <translation>référence ▸ carte</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Overall accuracy</source>
        <translation>Précision globale</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Mean IoU</source>
        <translation>IoU moyen</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Mean F1</source>
        <translation>F1 moyen</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Pixels compared</source>
        <translation>Pixels comparés</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <location filename="../algorithms/change.py"/>
        <location filename="../change_result.py"/>
        <source>units²</source>
        <translation>unités²</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Interpreted points</source>
        <translation>Points interprétés</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Accuracy and areas of {map}</source>
        <translation>Précision et surfaces de {map}</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Mapped, {unit}</source>
        <translation>Cartographié, {unit}</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Area, {unit}</source>
        <translation>Surface, {unit}</translation>
    </message>
    <message>
        <location filename="../algorithms/band_widget.py"/>
        <source>Choose a model to see its bands here. Without one, write names for the raster's, as in blue=1,green=2.</source>
        <translation>Choisissez un modèle pour voir ici ses bandes. Sans modèle, donnez des noms à celles du raster, comme blue=1,green=2.</translation>
    </message>
    <message>
        <location filename="../algorithms/band_widget.py"/>
        <source>Choose a raster to see its bands here.</source>
        <translation>Choisissez un raster pour voir ici ses bandes.</translation>
    </message>
    <message>
        <location filename="../algorithms/band_widget.py"/>
        <source>by the names of the raster's bands</source>
        <translation>d'après les noms des bandes du raster</translation>
    </message>
    <message>
        <location filename="../algorithms/band_widget.py"/>
        <source>As in blue=1,green=2: the model's band, and the number of the raster's</source>
        <translation>Comme blue=1,green=2 : la bande du modèle et le numéro de celle du raster</translation>
    </message>
    <message>
        <location filename="../algorithms/band_widget.py"/>
        <source>Choose the bands</source>
        <translation>Choisir les bandes</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>GeoSeg has no Python yet: open Plugins ▸ GeoSeg ▸ Environment… and make or choose one.</source>
        <translation>GeoSeg n'a pas encore de Python : ouvrez Extensions ▸ GeoSeg ▸ Environnement… et créez-en ou choisissez-en un.</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Empty: geoseg's default model.</source>
        <translation>Vide : le modèle par défaut de geoseg.</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>… or a model folder</source>
        <translation>… ou un dossier de modèle</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Bands</source>
        <translation>Bandes</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Which band is which, as blue=1,green=2,… Empty: by the bands' descriptions. 'Inspect raster' says what fits and what to write.</source>
        <translation>Quelle bande est laquelle, comme blue=1,green=2,… Vide : d'après les descriptions des bandes. « Inspecter le raster » dit ce qui convient et ce qu'il faut écrire.</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Scale: value = stored × scale + offset</source>
        <translation>Échelle : valeur = stockée × échelle + décalage</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_bands.py"/>
        <source>Offset</source>
        <translation>Décalage</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Nodata value, instead of the file's</source>
        <translation>Valeur nodata, à la place de celle du fichier</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Pixel size in CRS units; the finest band's if empty</source>
        <translation>Taille de pixel en unités du SCR ; vide : celle de la bande la plus fine</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Minimum area of a polygon in m²; smaller ones are merged into a neighbour</source>
        <translation>Surface minimale d'un polygone en m² ; les plus petits sont fusionnés avec un voisin</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>As they are</source>
        <translation>Tels quels</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Square, for buildings</source>
        <translation>À angles droits, pour les bâtiments</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Circles, for what is round</source>
        <translation>Cercles, pour ce qui est rond</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_scene.py"/>
        <location filename="../report.py"/>
        <source>Model</source>
        <translation>Modèle</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Scene: one raster, or several with its bands</source>
        <translation>Scène : un raster, ou plusieurs avec ses bandes</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Extent; all of the scene if empty</source>
        <translation>Emprise ; vide : toute la scène</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Scenes: one raster each</source>
        <translation>Scènes : un raster chacune</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Labels: polygons, lines or points</source>
        <translation>Étiquettes : polygones, lignes ou points</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Field with the class</source>
        <translation>Champ de classe</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Simplify: how far borders may be moved, in metres</source>
        <translation>Simplifier : de combien les limites peuvent bouger, en mètres</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Shape of outlines</source>
        <translation>Forme des contours</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <location filename="../algorithms/sketch.py"/>
        <source>No raster is chosen, or it cannot be opened.</source>
        <translation>Aucun raster n'est choisi, ou il ne peut pas être ouvert.</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>GeoSeg's Python does not work: {reason}. See Plugins ▸ GeoSeg ▸ Environment…</source>
        <translation>Le Python de GeoSeg ne fonctionne pas : {reason}. Voir Extensions ▸ GeoSeg ▸ Environnement…</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Bands: {reason}</source>
        <translation>Bandes : {reason}</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Name of an installed model; the panel refreshes the list.</source>
        <translation>Nom d'un modèle installé ; le panneau actualise la liste.</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>'{name}' is no raster file: render the part that you need to a file first, in the GeoSeg panel.</source>
        <translation>« {name} » n'est pas un fichier raster : rendez d'abord la partie voulue dans un fichier, depuis le panneau GeoSeg.</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <location filename="../change_result.py"/>
        <source>{share} % has changed; {area} more differ, but are not certain</source>
        <translation>{share} % ont changé ; {area} de plus diffèrent, mais sans certitude</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Detect changes</source>
        <translation>Détecter les changements</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Compares two class maps of one place, or two scenes that a model maps first: polygons of what became what, a raster of the transitions, and a report with their areas.

Classes are matched by name. What a small shift between the dates explains is not counted as a change. The maps may lie on different grids: the later one is brought to the pixels of the earlier one.

If a run with a model is cancelled, it goes on where it was when it is started again with the same scenes and options.</source>
        <translation>Compare deux cartes de classes d'un même lieu, ou deux scènes qu'un modèle cartographie d'abord : des polygones de ce qui est devenu quoi, un raster des transitions et un rapport avec leurs surfaces.

Les classes sont associées par leur nom. Ce qu'un petit décalage entre les dates explique n'est pas compté comme changement. Les cartes peuvent avoir des grilles différentes : la plus récente est ramenée aux pixels de la plus ancienne.

Si une exécution avec un modèle est annulée, elle reprend où elle en était quand elle est relancée avec les mêmes scènes et options.</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <location filename="../change_result.py"/>
        <source>{change}: {area}, {polygons} polygons</source>
        <translation>{change} : {area}, {polygons} polygones</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Minimum area of a change in m²; smaller ones are merged into a neighbour</source>
        <translation>Surface minimale d'un changement en m² ; les plus petits sont fusionnés avec un voisin</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Classes to rename or merge</source>
        <translation>Classes à renommer ou à fusionner</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>As old=new, by commas: forest=tree,shrub= makes forest tree, and leaves shrub out.</source>
        <translation>Sous la forme ancien=nouveau, séparés par des virgules : forest=tree,shrub= change forest en tree et laisse shrub de côté.</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Before: class map, or scene of one raster</source>
        <translation>Avant : carte de classes, ou scène d'un seul raster</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <location filename="../change_inputs.py"/>
        <source>After</source>
        <translation>Après</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Empty: both are class maps.</source>
        <translation>Vide : les deux sont des cartes de classes.</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Tolerance: shift in pixels that is no change</source>
        <translation>Tolérance : décalage en pixels qui n'est pas un changement</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Confidence that both dates need, in percent</source>
        <translation>Confiance exigée des deux dates, en pour cent</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <location filename="../changes.py"/>
        <location filename="../results.py"/>
        <source>Changes</source>
        <translation>Changements</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <location filename="../results.py"/>
        <source>Transitions</source>
        <translation>Transitions</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>{count} smaller transitions are in the report</source>
        <translation>{count} transitions plus petites sont dans le rapport</translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <source>Detect objects</source>
        <translation>Détecter des objets</translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <source>Finds objects, such as buildings or trees, each one whole across the windows that the model sees, with class, score and area.

Models trained for objects keep those apart that touch; with any other model each connected region of a class is one object. Sort the table by score to look at the least certain ones first.</source>
        <translation>Trouve des objets, comme des bâtiments ou des arbres, chacun entier à travers les fenêtres que voit le modèle, avec classe, score et surface.

Les modèles entraînés pour des objets séparent ceux qui se touchent ; avec tout autre modèle, chaque région connexe d’une classe est un objet. Triez la table par score pour voir d’abord les moins sûrs.</translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <source>Minimum area of an object in m²; smaller ones are left out</source>
        <translation>Surface minimale d’un objet en m² ; les plus petits sont omis</translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <source>Lowest score of objects, 0 to 1</source>
        <translation>Score minimal des objets, de 0 à 1</translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <source>Only these classes, names by commas</source>
        <translation>Seulement ces classes, noms séparés par des virgules</translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <location filename="../panel_objects.py"/>
        <location filename="../results.py"/>
        <source>Objects</source>
        <translation>Objets</translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <source>{label}: {number} objects, {hectares} ha</source>
        <translation>{label} : {number} objets, {hectares} ha</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Evaluate map</source>
        <translation>Évaluer la carte</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Holds a class map against a reference: a class raster, or polygons with a field that names the class. The accuracy table opens in the results viewer: overall accuracy, IoU, F1, user's and producer's accuracy of each class, and the confusion matrix.</source>
        <translation>Compare une carte de classes à une référence : un raster de classes, ou des polygones avec un champ de classe. La table de précision s'ouvre dans la visionneuse de résultats : précision globale, IoU, F1, précisions de l'utilisateur et du producteur par classe, et matrice de confusion.</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>HTML files (*.html)</source>
        <translation>Fichiers HTML (*.html)</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Reference: raster or polygons</source>
        <translation>Référence : raster ou polygones</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Field with the class, of reference polygons</source>
        <translation>Champ de classe des polygones de référence</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <location filename="../algorithms/inspect.py"/>
        <location filename="../algorithms/windowed.py"/>
        <source>Report</source>
        <translation>Rapport</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <location filename="../algorithms/inspect.py"/>
        <location filename="../algorithms/windowed.py"/>
        <source>JSON files (*.json)</source>
        <translation>Fichiers JSON (*.json)</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Accuracy table</source>
        <translation>Table de précision</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Overall accuracy: {share}</source>
        <translation>Précision globale : {share}</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Inspect raster</source>
        <translation>Inspecter le raster</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Says what is in a raster, whether it fits a model, how to fix it if it does not, and what a run will cost. Nothing is computed.</source>
        <translation>Dit ce que contient un raster, s'il convient à un modèle, comment le corriger sinon, et ce que coûtera une exécution. Rien n'est calculé.</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>geoseg said nothing</source>
        <translation>geoseg n'a rien renvoyé</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Whether it fits the model</source>
        <translation>S'il convient au modèle</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Why it does not fit</source>
        <translation>Pourquoi il ne convient pas</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Options that would fix it, as JSON</source>
        <translation>Options qui le corrigeraient, en JSON</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Seconds a run takes here; -1 if not known</source>
        <translation>Secondes que prend ici un traitement ; -1 si inconnu</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>warning: {text}</source>
        <translation>avertissement : {text}</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>fits model {model}</source>
        <translation>convient au modèle {model}</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>no CRS</source>
        <translation>pas de SCR</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Next places to label</source>
        <translation>Prochains endroits à annoter</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Proposes polygons where a label would help a model most: uncertain, large enough to judge, unlike what is labelled already, and spread over the map. Each has the class that the model believes: correct it, delete what you cannot judge, and use the layer as labels.</source>
        <translation>Propose des polygones là où une étiquette aiderait le plus un modèle : incertains, assez grands pour être jugés, différents de ce qui est déjà annoté et répartis sur la carte. Chacun porte la classe que le modèle suppose : corrigez-la, supprimez ce que vous ne pouvez pas juger et utilisez la couche comme étiquettes.</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Side of the largest polygon in pixels</source>
        <translation>Côté du plus grand polygone en pixels</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Class map; confidence and report lie beside it</source>
        <translation>Carte des classes ; la confiance et le rapport sont à côté</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>What is labelled already</source>
        <translation>Ce qui est déjà annoté</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Scenes of the results: places are compared by their bands</source>
        <translation>Scènes des résultats : les endroits sont comparés par leurs bandes</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Number of places</source>
        <translation>Nombre d'endroits</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Places to label</source>
        <translation>Endroits à annoter</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Polygonize class map</source>
        <translation>Polygoniser la carte de classes</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Turns a class map of any size, or any raster of whole numbers, into polygons with class, true area and perimeter. Regions are never cut, and borders that are simplified neither gap nor overlap.</source>
        <translation>Convertit une carte de classes de toute taille, ou tout raster d'entiers, en polygones avec classe, surface réelle et périmètre. Les régions ne sont jamais coupées, et les limites simplifiées ne laissent ni vide ni recouvrement.</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Pixels without class; instead of the file's own</source>
        <translation>Pixels sans classe ; à la place de l'indication du fichier</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Band</source>
        <translation>Bande</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Confidence raster on the same grid</source>
        <translation>Raster de confiance sur la même grille</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Round the stair steps of pixels</source>
        <translation>Arrondir les marches d'escalier des pixels</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Only these classes, numbers or names, by commas</source>
        <translation>Seulement ces classes, numéros ou noms, séparés par des virgules</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>All classes but these</source>
        <translation>Toutes les classes sauf celles-ci</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Classes that the minimum area does not apply to</source>
        <translation>Classes auxquelles la surface minimale ne s'applique pas</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Pixels that touch at corners belong together</source>
        <translation>Les pixels qui se touchent par un coin vont ensemble</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <location filename="../algorithms/segment.py"/>
        <location filename="../panel_result.py"/>
        <location filename="../results.py"/>
        <source>Polygons</source>
        <translation>Polygones</translation>
    </message>
    <message>
        <location filename="../algorithms/segment.py"/>
        <source>Segment raster</source>
        <translation>Segmenter le raster</translation>
    </message>
    <message>
        <location filename="../algorithms/segment.py"/>
        <source>Segments a satellite, aerial or drone raster with a model into a class map, confidence and land-cover polygons, all with names and colours.

Several rasters are the bands of one scene. A run that was cancelled goes on where it was when it is started again with the same files and options.</source>
        <translation>Segmente un raster satellite, aérien ou de drone avec un modèle en carte de classes, confiance et polygones d'occupation du sol, avec noms et couleurs.

Plusieurs rasters sont les bandes d'une scène. Un traitement annulé reprend où il en était s'il est relancé avec les mêmes fichiers et options.</translation>
    </message>
    <message>
        <location filename="../algorithms/segment.py"/>
        <location filename="../results.py"/>
        <source>Confidence</source>
        <translation>Confiance</translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <source>Sketch a model from labels</source>
        <translation>Esquisser un modèle à partir d'étiquettes</translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <source>Makes a model from a few polygons, lines or points of each class, in seconds and without a GPU, for any bands. Draw each class in three places or more: the log says how well drawings that were held out are told apart. An earlier sketch of the same raster saves what was computed for it.</source>
        <translation>Fait un modèle à partir de quelques polygones, lignes ou points de chaque classe, en quelques secondes et sans GPU, pour n'importe quelles bandes. Dessinez chaque classe à trois endroits ou plus : le journal dit à quel point les dessins mis de côté sont bien distingués. Une esquisse antérieure du même raster évite de recalculer ce qui l'a déjà été.</translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <source>Model whose answers help</source>
        <translation>Modèle dont les réponses aident</translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <source>Empty: a bundled model that fits, if there is one.</source>
        <translation>Vide : un modèle fourni qui convient, s'il y en a un.</translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <source>Earlier sketch of the raster: its model folder</source>
        <translation>Esquisse antérieure du raster : le dossier de son modèle</translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <location filename="../algorithms/train.py"/>
        <source>Model folder</source>
        <translation>Dossier du modèle</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Train model</source>
        <translation>Entraîner un modèle</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Trains a model on scenes and labels: polygons, lines or points (a field names the class), or a raster for each scene. With a model to start from it is fine-tuned, which needs far fewer labels. What no label covers is ignored.</source>
        <translation>Entraîne un modèle sur des scènes et des étiquettes : polygones, lignes ou points (un champ nomme la classe), ou un raster par scène. Avec un modèle de départ, celui-ci est ajusté, ce qui demande bien moins d'étiquettes. Ce qu'aucune étiquette ne couvre est ignoré.</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Model to start from</source>
        <translation>Modèle de départ</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Metres around lines and points that they label, too</source>
        <translation>Mètres autour des lignes et points qui sont aussi étiquetés</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Side of training windows in pixels</source>
        <translation>Côté des fenêtres d'entraînement en pixels</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Windows of a step; what fits into memory if empty</source>
        <translation>Fenêtres par étape ; vide : ce que permet la mémoire</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_correct.py"/>
        <source>Learning rate</source>
        <translation>Taux d'apprentissage</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>… or label rasters, one for each scene</source>
        <translation>… ou rasters d'étiquettes, un par scène</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Empty: a new network is trained from random weights.</source>
        <translation>Vide : un nouveau réseau est entraîné à partir de poids aléatoires.</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_correct.py"/>
        <source>Epochs</source>
        <translation>Époques</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Architecture, as unet</source>
        <translation>Architecture, p. ex. unet</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Encoder, as resnet18</source>
        <translation>Encodeur, p. ex. resnet18</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Device: auto, cpu, cuda</source>
        <translation>Périphérique : auto, cpu, cuda</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Give a layer of labels or label rasters, one of the two.</source>
        <translation>Indiquez une couche d'étiquettes ou des rasters d'étiquettes, l'un des deux.</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Window: side of what the model sees, in pixels</source>
        <translation>Fenêtre : côté de ce que voit le modèle, en pixels</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Margin: context around a window that is not kept, in pixels</source>
        <translation>Marge : contexte autour d'une fenêtre, non conservé, en pixels</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Stitching</source>
        <translation>Assemblage</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Precision</source>
        <translation>Précision</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Device: auto, cpu, cuda, cuda:1</source>
        <translation>Périphérique : auto, cpu, cuda, cuda:1</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Memory budget, as 4GB</source>
        <translation>Budget mémoire, p. ex. 4GB</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Finished parts are kept in {folder}: run it again to go on.</source>
        <translation>Les parties terminées restent dans {folder} : relancez pour continuer.</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>{path}: polygons can be written as {formats}</source>
        <translation>{path} : les polygones peuvent être écrits en {formats}</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>{path}: class maps and confidence are GeoTIFF; give a name that ends in .tif</source>
        <translation>{path} : les cartes de classes et la confiance sont en GeoTIFF ; le nom doit finir par .tif</translation>
    </message>
    <message>
        <location filename="../band_table.py"/>
        <source>(none)</source>
        <translation>(aucune)</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Class maps</source>
        <translation>Cartes de classes</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Scenes</source>
        <translation>Scènes</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Swap</source>
        <translation>Échanger</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Exchange before and after</source>
        <translation>Échanger avant et après</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>What a shift by so many pixels explains is no change</source>
        <translation>Ce qu'un décalage d'autant de pixels explique n'est pas un changement</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <location filename="../panel_run.py"/>
        <source>off</source>
        <translation>non</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Smaller changes are merged into what is around them</source>
        <translation>Les changements plus petits sont fusionnés avec ce qui les entoure</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>geoseg_changes, beside the first</source>
        <translation>geoseg_changes, à côté du premier</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_run.py"/>
        <source>Replace existing results</source>
        <translation>Remplacer les résultats</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Compare</source>
        <translation>Comparer</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Before</source>
        <translation>Avant</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Tolerance</source>
        <translation>Tolérance</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_run.py"/>
        <source>Minimum area</source>
        <translation>Surface minimale</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_run.py"/>
        <source>Results</source>
        <translation>Résultats</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Choose two different layers.</source>
        <translation>Choisissez deux couches différentes.</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Choose a model in the GeoSeg panel.</source>
        <translation>Choisissez un modèle dans le panneau GeoSeg.</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Model of the panel: {name}</source>
        <translation>Modèle du panneau : {name}</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Add two raster files of one place to the project.</source>
        <translation>Ajoutez au projet deux fichiers raster d'un même lieu.</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Add two class maps of one place to the project, or run a model on two scenes first.</source>
        <translation>Ajoutez au projet deux cartes de classes d'un même lieu, ou appliquez d'abord un modèle à deux scènes.</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>bands {bands}</source>
        <translation>bandes {bands}</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>{place} of {count}: {change}, {area}</source>
        <translation>{place} sur {count} : {change}, {area}</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Steps through the changes of the selected row, the largest first</source>
        <translation>Parcourt les changements de la ligne choisie, le plus grand d'abord</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Shows the two dates in turns, a second each</source>
        <translation>Montre les deux dates tour à tour, une seconde chacune</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Before left, after right of a line that can be dragged</source>
        <translation>Avant à gauche, après à droite d'une ligne que l'on peut déplacer</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Picture before</source>
        <translation>Image d'avant</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Picture after</source>
        <translation>Image d'après</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Change</source>
        <translation>Changement</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_area.py"/>
        <location filename="../panel_objects.py"/>
        <location filename="../panel_result.py"/>
        <location filename="../render_dialog.py"/>
        <source>Area</source>
        <translation>Zone</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <location filename="../panel_sketch.py"/>
        <source>Next place</source>
        <translation>Endroit suivant</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>What is shown of this date</source>
        <translation>Ce qui est montré de cette date</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Flicker</source>
        <translation>Alterner</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Swipe</source>
        <translation>Glisser</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Nothing has changed; {area} differ, but are not certain.</source>
        <translation>Rien n'a changé ; {area} diffèrent, mais sans certitude.</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>The polygons of the changes are not in the project, or there are none.</source>
        <translation>Les polygones des changements ne sont pas dans le projet, ou il n'y en a pas.</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <location filename="../panel_result.py"/>
        <source>This polygon is gone; on to the next.</source>
        <translation>Ce polygone n'existe plus ; passez au suivant.</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>All changes</source>
        <translation>Tous</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>confidence {percent} %</source>
        <translation>confiance {percent} %</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <location filename="../corrections.py"/>
        <location filename="../panel_run.py"/>
        <location filename="../render_dialog.py"/>
        <location filename="../sketch_labels.py"/>
        <location filename="../sketch_loop.py"/>
        <source>{path} cannot be opened</source>
        <translation>{path} ne peut pas être ouvert</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>{name} (is added)</source>
        <translation>{name} (sera ajouté)</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <location filename="../panel_area.py"/>
        <source>The area cannot be transformed: {reason}</source>
        <translation>La zone ne peut pas être transformée : {reason}</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <source>What is compared</source>
        <translation>Ce qui est comparé</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <source>GeoSeg: changes</source>
        <translation>GeoSeg : changements</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../panel_run.py"/>
        <location filename="../report.py"/>
        <source>Run</source>
        <translation>Exécuter</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../environment_page.py"/>
        <location filename="../panel_correct.py"/>
        <location filename="../panel_run.py"/>
        <location filename="../panel_sketch.py"/>
        <source>Cancel</source>
        <translation>Annuler</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <source>Compares in the background</source>
        <translation>Compare en arrière-plan</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../panel_run.py"/>
        <source>Cancelling…</source>
        <translation>Annulation…</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../panel_run.py"/>
        <source>Cancelled. Run again to go on where it was.</source>
        <translation>Annulé. Relancez pour reprendre où il en était.</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../panel_correct.py"/>
        <location filename="../panel_run.py"/>
        <location filename="../render_dialog.py"/>
        <source>Cancelled.</source>
        <translation>Annulé.</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../panel_run.py"/>
        <source>Done: {folder}</source>
        <translation>Terminé : {folder}</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../dock.py"/>
        <source>The project's GeoSeg entry cannot be read: {reason}</source>
        <translation>L'entrée GeoSeg du projet ne peut pas être lue : {reason}</translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>Nothing is outlined there: click elsewhere on it, or with Shift on more of it.</source>
        <translation>Rien n'est délimité à cet endroit : cliquez ailleurs sur l'objet ou, avec Maj, sur d'autres points.</translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>Outline by a click</source>
        <translation>Contour par un clic</translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>Outlined, score {score:.2f}. Shift adds to it, Ctrl takes away.</source>
        <translation>Délimité, score {score:.2f}. Maj ajoute, Ctrl enlève.</translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>It may go on: zoom out and click again.</source>
        <translation>Il peut continuer : faites un zoom arrière et cliquez de nouveau.</translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>The labels cannot be edited.</source>
        <translation>Les étiquettes ne peuvent pas être modifiées.</translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>The outline cannot be added to the labels.</source>
        <translation>Le contour ne peut pas être ajouté aux étiquettes.</translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>No click model is installed. Add the two ONNX files of one, such as SAM: {command}</source>
        <translation>Aucun modèle à clic n'est installé. Ajoutez les deux fichiers ONNX d'un tel modèle, par exemple SAM : {command}</translation>
    </message>
    <message>
        <location filename="../compare_view.py"/>
        <source>Before: {name}</source>
        <translation>Avant : {name}</translation>
    </message>
    <message>
        <location filename="../compare_view.py"/>
        <source>After: {name}</source>
        <translation>Après : {name}</translation>
    </message>
    <message>
        <location filename="../corrections.py"/>
        <source>Run a model on a raster first; then correct its polygons.</source>
        <translation>Appliquez d'abord un modèle à un raster, puis corrigez ses polygones.</translation>
    </message>
    <message>
        <location filename="../corrections.py"/>
        <source>Run a model on a raster, or name new classes first.</source>
        <translation>Appliquez d'abord un modèle à un raster, ou nommez de nouvelles classes.</translation>
    </message>
    <message>
        <location filename="../corrections.py"/>
        <source>Corrections</source>
        <translation>Corrections</translation>
    </message>
    <message>
        <location filename="../corrections.py"/>
        <location filename="../new_classes.py"/>
        <location filename="../sketch_labels.py"/>
        <source>Labels</source>
        <translation>Étiquettes</translation>
    </message>
    <message>
        <location filename="../corrections.py"/>
        <source>There are no labels yet: edit polygons of the result, or draw some.</source>
        <translation>Il n'y a pas encore d'étiquettes : modifiez des polygones du résultat ou dessinez-en.</translation>
    </message>
    <message>
        <location filename="../dock.py"/>
        <source>GeoSeg</source>
        <translation>GeoSeg</translation>
    </message>
    <message>
        <location filename="../dock.py"/>
        <source>Set up…</source>
        <translation>Configurer…</translation>
    </message>
    <message>
        <location filename="../dock.py"/>
        <location filename="../panel_sketch.py"/>
        <source>geoseg needs a Python of its own. It is made in a few minutes, outside of QGIS.</source>
        <translation>geoseg a besoin de son propre Python. Il est créé en quelques minutes, hors de QGIS.</translation>
    </message>
    <message>
        <location filename="../dock.py"/>
        <location filename="../environment_page.py"/>
        <source>Diagnostics are on the clipboard.</source>
        <translation>Le diagnostic est dans le presse-papiers.</translation>
    </message>
    <message>
        <location filename="../dock.py"/>
        <source>geoseg does not run: {reason}</source>
        <translation>geoseg ne fonctionne pas : {reason}</translation>
    </message>
    <message>
        <location filename="../dock.py"/>
        <source>The models cannot be listed: {reason}</source>
        <translation>Impossible de lister les modèles : {reason}</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>geoseg runs in a Python of its own, outside QGIS: nothing is installed into QGIS itself.</source>
        <translation>geoseg utilise son propre Python, hors de QGIS : rien n'est installé dans QGIS même.</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Needs about {size} on disk ({free:.0f} GB free), in {folder}</source>
        <translation>Demande environ {size} de disque ({free:.0f} Go libres), dans {folder}</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Set up GeoSeg</source>
        <translation>Configurer GeoSeg</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Check</source>
        <translation>Vérifier</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <location filename="../plugin.py"/>
        <source>Copy diagnostics</source>
        <translation>Copier le diagnostic</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Close</source>
        <translation>Fermer</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Install</source>
        <translation>Installer</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>CPU</source>
        <translation>CPU</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>NVIDIA GPU (CUDA)</source>
        <translation>GPU NVIDIA (CUDA)</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <location filename="../panel_correct.py"/>
        <source>Advanced</source>
        <translation>Avancé</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>A wheel, a folder with geoseg's source, or a name in the package index</source>
        <translation>Un wheel, un dossier du code source de geoseg, ou un nom de l'index de paquets</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Choose a folder with geoseg's source</source>
        <translation>Choisir un dossier du code source de geoseg</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>the system's; else http://host:port</source>
        <translation>celui du système ; sinon http://host:port</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>without network: a folder filled by `pip download`</source>
        <translation>sans réseau : un dossier rempli par `pip download`</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>The commands that Install runs</source>
        <translation>Les commandes qu'exécute Installer</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Remove the installation</source>
        <translation>Supprimer l'installation</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Source</source>
        <translation>Source</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Proxy</source>
        <translation>Proxy</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Wheel folder</source>
        <translation>Dossier de wheels</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Commands</source>
        <translation>Commandes</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Own Python</source>
        <translation>Python propre</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>a python program that has geoseg; empty: the installation above</source>
        <translation>un programme python qui a geoseg ; vide : l'installation ci-dessus</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Use it</source>
        <translation>Utiliser</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Log</source>
        <translation>Journal</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>geoseg is not installed yet.</source>
        <translation>geoseg n'est pas encore installé.</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Folder with geoseg's source</source>
        <translation>Dossier du code source de geoseg</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>The disk of {folder} has {free:.1f} GB free, {size} are needed.</source>
        <translation>Le disque de {folder} a {free:.1f} Go libres, il en faut {size}.</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>What was downloaded is kept: Install continues from there.</source>
        <translation>Ce qui est téléchargé est conservé : Installer reprend de là.</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Install PyTorch from the ordinary package index instead (about {size:.0f} GB)</source>
        <translation>Installer plutôt PyTorch depuis l'index de paquets habituel (environ {size:.0f} Go)</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Downloading and unpacking: {done:.1f} of about {total:.1f} GB</source>
        <translation>Téléchargement et décompression : {done:.1f} sur environ {total:.1f} Go</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Preparing</source>
        <translation>Préparation</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Installing</source>
        <translation>Installation</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Checking: importing geoseg and its dependencies</source>
        <translation>Vérification : import de geoseg et de ses dépendances</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Removed.</source>
        <translation>Supprimé.</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Compute on</source>
        <translation>Calculer sur</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Looking for a Python that geoseg can be installed with…</source>
        <translation>Recherche d’un Python avec lequel installer geoseg…</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Checking {python}: importing geoseg and what it needs</source>
        <translation>Vérification de {python} : import de geoseg et de ce qu'il lui faut</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>{python}: not checked yet</source>
        <translation>{python} : pas encore vérifié</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>{minutes:.0f} min left</source>
        <translation>encore {minutes:.0f} min</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Done: {what}</source>
        <translation>Terminé : {what}</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_bands.py"/>
        <source>Bands and values</source>
        <translation>Bandes et valeurs</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <source>Bands in other layers</source>
        <translation>Bandes d'autres couches</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_bands.py"/>
        <source>Scale</source>
        <translation>Échelle</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_bands.py"/>
        <source>No data</source>
        <translation>Nodata</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_area.py"/>
        <location filename="../render_dialog.py"/>
        <source>Pixel size</source>
        <translation>Taille de pixel</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_run.py"/>
        <source>Simplify</source>
        <translation>Simplifier</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_correct.py"/>
        <source>Batch size</source>
        <translation>Taille de lot</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_correct.py"/>
        <source>Tile size</source>
        <translation>Taille de tuile</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <source>Memory</source>
        <translation>Mémoire</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../report.py"/>
        <source>Device</source>
        <translation>Périphérique</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <source>Class field</source>
        <translation>Champ de classe</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>New classes</source>
        <translation>Nouvelles classes</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>GeoPackage (*.gpkg)</source>
        <translation>GeoPackage (*.gpkg)</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>name</source>
        <translation>nom</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Name at least two classes.</source>
        <translation>Nommez au moins deux classes.</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Two classes have the same name.</source>
        <translation>Deux classes portent le même nom.</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Names of classes must not contain commas, colons or equals signs.</source>
        <translation>Les noms de classes ne doivent contenir ni virgule, ni deux-points, ni signe égal.</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Colour</source>
        <translation>Couleur</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Add a class</source>
        <translation>Ajouter une classe</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Remove the selected class</source>
        <translation>Supprimer la classe sélectionnée</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Name what is to be told apart. Then draw some examples of each class; a model is trained on them.</source>
        <translation>Nommez ce qu'il faut distinguer. Dessinez ensuite quelques exemples de chaque classe ; un modèle est entraîné avec eux.</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>There is no folder {folder}</source>
        <translation>Le dossier {folder} n'existe pas</translation>
    </message>
    <message>
        <location filename="../next_places.py"/>
        <location filename="../phases.py"/>
        <source>Looking for uncertain places</source>
        <translation>Recherche d'endroits incertains</translation>
    </message>
    <message>
        <location filename="../next_places.py"/>
        <source>Place {number} of {count}: “{name}” by the model, {confidence:.0f} % sure. Draw what it is.</source>
        <translation>Endroit {number} sur {count} : « {name} » selon le modèle, sûr à {confidence:.0f} %. Dessinez ce que c'est.</translation>
    </message>
    <message>
        <location filename="../next_places.py"/>
        <source>Sketch first: places are looked for on its map.</source>
        <translation>Esquissez d'abord : les endroits sont cherchés sur la carte de l'esquisse.</translation>
    </message>
    <message>
        <location filename="../next_places.py"/>
        <source>There are no uncertain places.</source>
        <translation>Il n'y a pas d'endroits incertains.</translation>
    </message>
    <message>
        <location filename="../overlay.py"/>
        <source>The map shows no part of the raster: zoom to it first.</source>
        <translation>La carte ne montre aucune partie du raster : zoomez d'abord dessus.</translation>
    </message>
    <message>
        <location filename="../overlay.py"/>
        <source>GeoSeg preview</source>
        <translation>Aperçu GeoSeg</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>What lies outside of the polygons has no class</source>
        <translation>Ce qui est hors des polygones n'a pas de classe</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>Draw again</source>
        <translation>Redessiner</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>native</source>
        <translation>native</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>Pixel size of the map; the raster is resampled to it</source>
        <translation>Taille de pixel de la carte ; le raster est rééchantillonné</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>No polygon is selected: select some in a vector layer first.</source>
        <translation>Aucun polygone sélectionné : sélectionnez-en d'abord dans une couche vecteur.</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <location filename="../panel_objects.py"/>
        <source>Whole raster</source>
        <translation>Tout le raster</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <location filename="../panel_objects.py"/>
        <source>Map view</source>
        <translation>Vue de la carte</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>Drawn polygon</source>
        <translation>Polygone dessiné</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>Selected polygons</source>
        <translation>Polygones sélectionnés</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>Draw the area on the map first: click its corners, right-click to finish.</source>
        <translation>Dessinez d'abord la zone sur la carte : cliquez ses sommets, terminez par un clic droit.</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>The chosen area lies outside of the raster '{name}'.</source>
        <translation>La zone choisie est hors du raster « {name} ».</translation>
    </message>
    <message>
        <location filename="../panel_bands.py"/>
        <source>value = stored × scale + offset; 1/10000 for reflectance × 10,000</source>
        <translation>valeur = stockée × échelle + décalage ; 1/10000 pour une réflectance × 10 000</translation>
    </message>
    <message>
        <location filename="../panel_bands.py"/>
        <source>Further layers that hold bands of the same scene</source>
        <translation>Autres couches contenant des bandes de la même scène</translation>
    </message>
    <message>
        <location filename="../panel_bands.py"/>
        <source>as in the file</source>
        <translation>comme dans le fichier</translation>
    </message>
    <message>
        <location filename="../panel_bands.py"/>
        <source>Bands of the same scene in other layers:</source>
        <translation>Bandes de la même scène dans d'autres couches :</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>{labels} labels, {waiting} edited polygons that are no labels yet.</source>
        <translation>{labels} étiquettes, {waiting} polygones modifiés qui n'en sont pas encore.</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Toggle editing on the polygons and change class or shape, or draw labels.</source>
        <translation>Basculez les polygones en édition et changez classe ou forme, ou dessinez des étiquettes.</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>{count} polygons are labels now</source>
        <translation>{count} polygones sont maintenant des étiquettes</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Labels and training</source>
        <translation>Étiquettes et entraînement</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <location filename="../panel_scene.py"/>
        <location filename="../sketch_labels.py"/>
        <source>New classes…</source>
        <translation>Nouvelles classes…</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <location filename="../panel_scene.py"/>
        <source>Name classes, draw examples of them on this raster, and train a model</source>
        <translation>Nommer des classes, en dessiner des exemples sur ce raster et entraîner un modèle</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Edited polygons → labels</source>
        <translation>Polygones modifiés → étiquettes</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Save your edits of the result and use the edited polygons as labels</source>
        <translation>Enregistrer vos modifications du résultat et utiliser les polygones modifiés comme étiquettes</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Draw labels</source>
        <translation>Dessiner des étiquettes</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Draw polygons of known class</source>
        <translation>Dessiner des polygones de classe connue</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>New model</source>
        <translation>Nouveau modèle</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Side of the squares that the model is trained on</source>
        <translation>Côté des carrés sur lesquels le modèle est entraîné</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Tiles that are computed at a time; fewer need less memory</source>
        <translation>Tuiles calculées à la fois ; moins de tuiles, moins de mémoire</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>By how much each step changes the model</source>
        <translation>De combien chaque étape modifie le modèle</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>{labels} labels.</source>
        <translation>{labels} étiquettes.</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Draw some polygons of each class, in places that differ.</source>
        <translation>Dessinez quelques polygones de chaque classe, à des endroits différents.</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>automatic</source>
        <translation>automatique</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Train a model on classes of your own, or correct the map that a run gives.</source>
        <translation>Entraînez un modèle sur vos propres classes, ou corrigez la carte d'un traitement.</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Fine-tune the model</source>
        <translation>Ajuster le modèle</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Train a model</source>
        <translation>Entraîner un modèle</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Give the new model a name of letters, digits, - and _.</source>
        <translation>Donnez au nouveau modèle un nom fait de lettres, chiffres, - et _.</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>GeoSeg: training {model}</source>
        <translation>GeoSeg : entraînement de {model}</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>There is a model called {name}: choose another name.</source>
        <translation>Un modèle {name} existe déjà : choisissez un autre nom.</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Model {name} is trained and in the list</source>
        <translation>Le modèle {name} est entraîné et dans la liste</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>{place} of {count}: {name}, score {score:.2f}</source>
        <translation>{place} sur {count} : {name}, score {score:.2f}</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Detect…</source>
        <translation>Détecter…</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Find objects on the chosen raster</source>
        <translation>Chercher des objets dans le raster choisi</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Next uncertain</source>
        <translation>Suivant incertain</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Zoom to the objects with the lowest scores, one after the other</source>
        <translation>Zoomer sur les objets aux scores les plus bas, l’un après l’autre</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Delete</source>
        <translation>Supprimer</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Delete the selected objects</source>
        <translation>Supprimer les objets sélectionnés</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Split</source>
        <translation>Séparer</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Draw a line through an object that should be two</source>
        <translation>Tracer une ligne à travers un objet qui devrait être deux</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Merge</source>
        <translation>Fusionner</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Make one object of those that are selected</source>
        <translation>Faire un seul objet de ceux qui sont sélectionnés</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <location filename="../sketch_labels.py"/>
        <source>Draw</source>
        <translation>Dessiner</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Draw an object that is missing</source>
        <translation>Dessiner un objet qui manque</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Where you have looked at every object; elsewhere nothing will be learned</source>
        <translation>Là où vous avez regardé chaque objet ; ailleurs, rien ne sera appris</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Objects → labels</source>
        <translation>Objets → étiquettes</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Save the edits, and turn the objects into labels to train on</source>
        <translation>Enregistrer les modifications et faire des objets des étiquettes d’entraînement</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Checked</source>
        <translation>Vérifié</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <location filename="../panel_scene.py"/>
        <location filename="../panel_sketch.py"/>
        <location filename="../sketch_labels.py"/>
        <source>Add a raster layer to the project.</source>
        <translation>Ajoutez une couche raster au projet.</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>There are no objects with a score.</source>
        <translation>Il n’y a pas d’objets avec un score.</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Select objects first; “Next uncertain” selects one.</source>
        <translation>Sélectionnez d’abord des objets ; « Suivant incertain » en sélectionne un.</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Select the parts of the object, further ones with Shift and a click, then press “Merge” again.</source>
        <translation>Sélectionnez les parties de l’objet, les suivantes avec Maj et un clic, puis appuyez de nouveau sur « Fusionner ».</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Choose the raster that the objects were found on.</source>
        <translation>Choisissez le raster dans lequel les objets ont été trouvés.</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>The map view does not show the raster.</source>
        <translation>La vue de la carte ne montre pas le raster.</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>{count} objects are labels now: train a model on them below.</source>
        <translation>{count} objets sont maintenant des étiquettes : entraînez un modèle avec elles ci-dessous.</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>{name} cannot be edited.</source>
        <translation>{name} ne peut pas être modifié.</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>{place} of {count}: {name}, confidence {confidence:.0f} %, {area:,.1f} ha</source>
        <translation>{place} sur {count} : {name}, confiance {confidence:.0f} %, {area:,.1f} ha</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>Open report</source>
        <translation>Ouvrir le rapport</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>Zoom to uncertain</source>
        <translation>Zoomer sur l'incertain</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>Steps through the least certain polygons; small ones and narrow strips come later</source>
        <translation>Parcourt les polygones les moins sûrs ; les petits et les bandes étroites viennent ensuite</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>GeoSeg report</source>
        <translation>Rapport GeoSeg</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>Open folder</source>
        <translation>Ouvrir le dossier</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>There are no polygons with a confidence.</source>
        <translation>Aucun polygone n'a de confiance.</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>{path} cannot be read: {reason}</source>
        <translation>{path} ne peut pas être lu : {reason}</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Preview of the visible part</source>
        <translation>Aperçu de la partie visible</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Preview</source>
        <translation>Aperçu</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Segment the visible part of the map and show it as an overlay</source>
        <translation>Segmenter la partie visible de la carte et l'afficher par-dessus</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Segment the chosen area in the background</source>
        <translation>Segmenter la zone choisie en arrière-plan</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>geoseg_results, beside the raster</source>
        <translation>geoseg_results, à côté du raster</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Smaller polygons are merged into their neighbours</source>
        <translation>Les polygones plus petits sont fusionnés avec leurs voisins</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>By how much borders of polygons may be moved to make them smoother</source>
        <translation>De combien les limites des polygones peuvent être déplacées pour les lisser</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Cutting out the polygon…</source>
        <translation>Découpage du polygone…</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>GeoSeg: {scene}</source>
        <translation>GeoSeg : {scene}</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>The results folder {folder} cannot be used: {reason}. Choose another one.</source>
        <translation>Le dossier de résultats {folder} est inutilisable : {reason}. Choisissez-en un autre.</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Preview after {seconds:.1f} s</source>
        <translation>Aperçu après {seconds:.1f} s</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>{size:.4g} map units</source>
        <translation>{size:.4g} unités de carte</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>geoseg computes on {device}</source>
        <translation>geoseg calcule sur {device}</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>computed with pixels of {size}: zoom in to see what the run will give</source>
        <translation>calculé avec des pixels de {size} : zoomez pour voir ce que donnera le traitement</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>The model needs {count} bands ({needs}), the raster has {have} ({names}).</source>
        <translation>Le modèle demande {count} bandes ({needs}), le raster en a {have} ({names}).</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Add a model folder</source>
        <translation>Ajouter un dossier de modèle</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Raster</source>
        <translation>Raster</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Fix</source>
        <translation>Corriger</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Render to a file…</source>
        <translation>Rendre dans un fichier…</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Folder of a model</source>
        <translation>Dossier d'un modèle</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Checking whether they fit…</source>
        <translation>Vérification de la compatibilité…</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>In the unit assumed now, the values do not look like those that the model was trained on.</source>
        <translation>Dans l'unité supposée, les valeurs ne ressemblent pas à celles de l'entraînement du modèle.</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>The model needs the bands {needs}. The raster does not name {missing}: choose them below.</source>
        <translation>Le modèle demande les bandes {needs}. Le raster ne nomme pas {missing} : choisissez-les ci-dessous.</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>The model was trained on reflectance, which digital numbers become by a gain and an offset: write those of the scene's metadata into Scale and Offset below, or convert the scene to reflectance first. Without them only a model of your own can be used, trained on this raster (New classes…).</source>
        <translation>Le modèle a été entraîné sur des réflectances, que les comptes numériques deviennent par un gain et un décalage : écrivez ceux des métadonnées de la scène dans Échelle et Décalage ci-dessous, ou convertissez d'abord la scène en réflectance. Sans eux, seul un modèle à vous, entraîné sur ce raster, peut servir (Nouvelles classes…).</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source> (default)</source>
        <translation> (par défaut)</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>No installed model works with these bands alone. Add bands from other layers below, add a model folder (…), or name classes of your own, draw examples and train a model on them.</source>
        <translation>Aucun modèle installé ne se contente de ces bandes. Ajoutez ci-dessous des bandes d'autres couches, ajoutez un dossier de modèle (…), ou nommez vos propres classes, dessinez des exemples et entraînez un modèle.</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>the first run, or a preview, measures how long it takes</source>
        <translation>la première exécution, ou un aperçu, mesure la durée</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>The unit of the values is not checked: the model does not say how its own are distributed.</source>
        <translation>L'unité des valeurs n'est pas vérifiée : le modèle n'indique pas la distribution des siennes.</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Choose a raster and a model.</source>
        <translation>Choisissez un raster et un modèle.</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>They fit: {count} bands, {size:.1f} Mpx</source>
        <translation>Compatibles : {count} bandes, {size:.1f} Mpx</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>{size:.1f} GB of memory</source>
        <translation>{size:.1f} Go de mémoire</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Use model {name}</source>
        <translation>Utiliser le modèle {name}</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>about {seconds:.0f} s</source>
        <translation>environ {seconds:.0f} s</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Select a class, draw it in three places or more, and save the edits.</source>
        <translation>Choisissez une classe, dessinez-la à trois endroits ou plus et enregistrez les modifications.</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Sketch a model</source>
        <translation>Esquisser un modèle</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Sketch</source>
        <translation>Esquisser</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Save the edits of the labels, learn a model from them, and show its map of the visible part</source>
        <translation>Enregistre les modifications des étiquettes, en apprend un modèle et montre sa carte de la partie visible</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Zoom to the place where a label would help most, one after the other</source>
        <translation>Zoome l'un après l'autre sur les endroits où une étiquette aiderait le plus</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Click objects</source>
        <translation>Cliquer des objets</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Click on an object of the selected class: a click model such as SAM outlines it in the labels</source>
        <translation>Cliquez sur un objet de la classe choisie : un modèle à clic tel que SAM le délimite dans les étiquettes</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>The click model that outlines</source>
        <translation>Le modèle à clic qui délimite</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Sketch when edits are saved</source>
        <translation>Esquisser à l'enregistrement</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Outlining</source>
        <translation>Délimitation</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Name classes, draw some places of each, and see a map of the visible part within seconds.</source>
        <translation>Nommez des classes, dessinez quelques endroits de chacune et voyez en quelques secondes une carte de la partie visible.</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>There are unsaved edits: save them, or press Sketch.</source>
        <translation>Il y a des modifications non enregistrées : enregistrez-les ou appuyez sur Esquisser.</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Shown {seconds:.1f} s after saving. Run maps the whole raster.</source>
        <translation>Montré {seconds:.1f} s après l'enregistrement. Exécuter cartographie tout le raster.</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>The labels were removed from the project: choose others, or make new classes.</source>
        <translation>Les étiquettes ont été retirées du projet : choisissez-en d'autres ou créez de nouvelles classes.</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Click on an object of the selected class. Shift adds to it, Ctrl takes away.</source>
        <translation>Cliquez sur un objet de la classe choisie. Maj ajoute, Ctrl enlève.</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>; newer drawings wait</source>
        <translation>; des dessins plus récents attendent</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>{count} drawings have no class and are left out.</source>
        <translation>{count} dessins n'ont pas de classe et sont ignorés.</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>The edits cannot be saved: {reason}</source>
        <translation>Les modifications ne peuvent pas être enregistrées : {reason}</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Sketch after {seconds:.1f} s</source>
        <translation>Esquisse après {seconds:.1f} s</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>{band}: {low:.2g} to {high:.2g}, half of it below {middle:.2g}</source>
        <translation>{band} : {low:.2g} à {high:.2g}, la moitié sous {middle:.2g}</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>As in the file</source>
        <translation>Comme dans le fichier</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Reflectance 0…1</source>
        <translation>Réflectance 0…1</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Reflectance in percent</source>
        <translation>Réflectance en pourcent</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Reflectance as 0…255</source>
        <translation>Réflectance en 0…255</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Reflectance × 10,000</source>
        <translation>Réflectance × 10 000</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Reflectance × 65,535</source>
        <translation>Réflectance × 65 535</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Sentinel-2 since 2022</source>
        <translation>Sentinel-2 depuis 2022</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Unit of the values; choose another one to change it:</source>
        <translation>Unité des valeurs ; choisissez-en une autre pour la changer :</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source> (as assumed now)</source>
        <translation> (supposée)</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>The values are stored in another unit than assumed. Which picture looks natural?</source>
        <translation>Les valeurs sont dans une autre unité que supposé. Quelle image paraît naturelle ?</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>It cannot be told in which unit the values are stored. Which picture looks natural?</source>
        <translation>Impossible de dire dans quelle unité sont les valeurs. Quelle image paraît naturelle ?</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>gain and offset are needed</source>
        <translation>gain et décalage nécessaires</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Black border (value {value}) = no data</source>
        <translation>Bord noir (valeur {value}) = nodata</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Border of value {value} = no data</source>
        <translation>Bord de valeur {value} = nodata</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Border of one colour = no data</source>
        <translation>Bord d'une seule couleur = nodata</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>; {share:.0f} % of the raster</source>
        <translation> ; {share:.0f} % du raster</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Digital numbers of the sensor</source>
        <translation>Comptes numériques du capteur</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Starting geoseg (loading PyTorch)</source>
        <translation>Démarrage de geoseg (chargement de PyTorch)</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Loading scene and model</source>
        <translation>Chargement de la scène et du modèle</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Measuring the fastest settings, once for this model</source>
        <translation>Mesure des réglages les plus rapides, une fois par modèle</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Segmenting</source>
        <translation>Segmentation</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Writing the class map</source>
        <translation>Écriture de la carte de classes</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Making polygons</source>
        <translation>Création des polygones</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Comparing</source>
        <translation>Comparaison</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Drawing points</source>
        <translation>Tirage des points</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Training</source>
        <translation>Entraînement</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Searching the best settings</source>
        <translation>Recherche des meilleurs réglages</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Reading what was drawn</source>
        <translation>Lecture de ce qui est dessiné</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Learning</source>
        <translation>Apprentissage</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>{time} left</source>
        <translation>encore {time}</translation>
    </message>
    <message>
        <location filename="../plugin.py"/>
        <source>GeoSeg panel</source>
        <translation>Panneau GeoSeg</translation>
    </message>
    <message>
        <location filename="../plugin.py"/>
        <source>Accuracy and areas…</source>
        <translation>Précision et surfaces…</translation>
    </message>
    <message>
        <location filename="../plugin.py"/>
        <source>Detect changes…</source>
        <translation>Détecter les changements…</translation>
    </message>
    <message>
        <location filename="../plugin.py"/>
        <source>Environment…</source>
        <translation>Environnement…</translation>
    </message>
    <message>
        <location filename="../plugin.py"/>
        <source>Help</source>
        <translation>Aide</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>Render to a file</source>
        <translation>Rendre dans un fichier</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>GeoTIFF (*.tif)</source>
        <translation>GeoTIFF (*.tif)</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>{width:,} × {height:,} pixels are too many: choose a smaller area or larger pixels.</source>
        <translation>{width:,} × {height:,} pixels, c'est trop : choisissez une zone plus petite ou des pixels plus grands.</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>{width:,} × {height:,} pixels, at most {size:,.1f} MB</source>
        <translation>{width:,} × {height:,} pixels, au plus {size:,.1f} Mo</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>That is a lot: many providers forbid bulk downloads. Choose a smaller area or larger pixels.</source>
        <translation>C'est beaucoup : bien des fournisseurs interdisent les téléchargements massifs. Choisissez une zone plus petite ou des pixels plus grands.</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>The layer states no terms of use: make sure that the provider allows copies and their analysis.</source>
        <translation>La couche n'indique pas de conditions d'utilisation : vérifiez que le fournisseur permet les copies et leur analyse.</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>About {count:,} tiles are fetched from {host}.</source>
        <translation>Environ {count:,} tuiles sont demandées à {host}.</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>this computer</source>
        <translation>cet ordinateur</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>Terms of the provider: {terms}</source>
        <translation>Conditions du fournisseur : {terms}</translation>
    </message>
    <message>
        <location filename="../rendered.py"/>
        <source>Give a file name that ends in .tif.</source>
        <translation>Donnez un nom de fichier finissant par .tif.</translation>
    </message>
    <message>
        <location filename="../rendered.py"/>
        <source>The folder {folder} cannot be written.</source>
        <translation>Impossible d'écrire dans le dossier {folder}.</translation>
    </message>
    <message>
        <location filename="../rendered.py"/>
        <source>The map cannot be written (error {code}).</source>
        <translation>La carte ne peut pas être écrite (erreur {code}).</translation>
    </message>
    <message>
        <location filename="../report.py"/>
        <source>Scene</source>
        <translation>Scène</translation>
    </message>
    <message>
        <location filename="../report.py"/>
        <source>Files</source>
        <translation>Fichiers</translation>
    </message>
    <message>
        <location filename="../report.py"/>
        <source>Windows</source>
        <translation>Fenêtres</translation>
    </message>
    <message>
        <location filename="../report.py"/>
        <source>Time</source>
        <translation>Temps</translation>
    </message>
    <message>
        <location filename="../report.py"/>
        <location filename="../results.py"/>
        <source>Classes</source>
        <translation>Classes</translation>
    </message>
    <message>
        <location filename="../results.py"/>
        <source>GeoSeg {scene}</source>
        <translation>GeoSeg {scene}</translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Name classes and draw examples of them on this raster</source>
        <translation>Nommer des classes et en dessiner des exemples sur ce raster</translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Draw the class that is selected in the table</source>
        <translation>Dessiner la classe choisie dans le tableau</translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Choose a layer of labels, or make new classes first.</source>
        <translation>Choisissez d'abord une couche d'étiquettes ou créez de nouvelles classes.</translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>What is drawn has no class: choose one for each drawing.</source>
        <translation>Ce qui est dessiné n'a pas de classe : choisissez-en une pour chaque dessin.</translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Nothing is drawn yet: draw some places of each class.</source>
        <translation>Rien n'est encore dessiné : dessinez quelques endroits de chaque classe.</translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Labels of {raster}</source>
        <translation>Étiquettes de {raster}</translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Only “{name}” is drawn: draw something of another class, too.</source>
        <translation>Seule « {name} » est dessinée : dessinez aussi quelque chose d'une autre classe.</translation>
    </message>
    <message>
        <location filename="../sketch_loop.py"/>
        <source>Comparing other ways to learn; draw on meanwhile</source>
        <translation>Comparaison d'autres façons d'apprendre ; continuez à dessiner</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Not judged: each class was drawn in one place only. Draw each in two places or more.</source>
        <translation>Non jugé : chaque classe n'a été dessinée qu'à un endroit. Dessinez chacune à deux endroits ou plus.</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>{share:.0f} % of the held-out pixels are right ({places} places).</source>
        <translation>{share:.0f} % des pixels mis de côté sont justes ({places} endroits).</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>{share:.0f} % ± {spread:.0f} of the held-out pixels are right ({places} places).</source>
        <translation>{share:.0f} % ± {spread:.0f} des pixels mis de côté sont justes ({places} endroits).</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Measured on drawings that were left out of learning. Expect less of the whole map: it has borders and mixed pixels.</source>
        <translation>Mesuré sur des dessins dont rien n'a été appris. Attendez moins de la carte entière : elle a des bords et des pixels mixtes.</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Select the class that you draw next</source>
        <translation>Choisissez la classe que vous dessinez ensuite</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Number and area of the drawings of the class</source>
        <translation>Nombre et surface des dessins de la classe</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Share of the pixels of held-out drawings that the model gets right</source>
        <translation>Part des pixels des dessins mis de côté que le modèle trouve juste</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>not judged</source>
        <translation>non jugé</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Drawn</source>
        <translation>Dessiné</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Right</source>
        <translation>Justes</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Not judged, drawn in one place only: {names}.</source>
        <translation>Non jugées, dessinées à un seul endroit : {names}.</translation>
    </message>
</context>
</TS>
