<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
<context>
    <name>GeoSeg</name>
    <message>
        <location filename="../accuracy.py"/>
        <source>Accuracy and areas</source>
        <translation>Genauigkeit und Flächen</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>1. Points</source>
        <translation>1. Punkte</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Drawn at random within each class; more points give narrower intervals</source>
        <translation>Zufällig in jeder Klasse gezogen; mehr Punkte ergeben engere Intervalle</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Draw points</source>
        <translation>Punkte ziehen</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../algorithms/evaluate.py"/>
        <location filename="../algorithms/polygonize.py"/>
        <location filename="../algorithms/segment.py"/>
        <source>Class map</source>
        <translation>Klassenkarte</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../accuracy_report.py"/>
        <source>Points</source>
        <translation>Punkte</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../render_dialog.py"/>
        <source>File</source>
        <translation>Datei</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>2. What do you see at the marked point?</source>
        <translation>2. Was ist am markierten Punkt zu sehen?</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Leave the point without a class; it does not count</source>
        <translation>Den Punkt ohne Klasse lassen; er zählt nicht</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>3. Report</source>
        <translation>3. Bericht</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Make the report</source>
        <translation>Bericht erstellen</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Points to interpret</source>
        <translation>Zu interpretierende Punkte</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>GeoSeg: accuracy</source>
        <translation>GeoSeg: Genauigkeit</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../change_result.py"/>
        <source>Back</source>
        <translation>Zurück</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Skip</source>
        <translation>Überspringen</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Run a model on a raster first, or add its class map to the project.</source>
        <translation>Zuerst ein Modell auf ein Raster anwenden oder dessen Klassenkarte zum Projekt hinzufügen.</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Continue with these points</source>
        <translation>Mit diesen Punkten fortfahren</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Point {place} of {count}, {done} done</source>
        <translation>Punkt {place} von {count}, {done} erledigt</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>Saved as {page} and {report}</source>
        <translation>Gespeichert als {page} und {report}</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <source>{path} holds no points of geoseg</source>
        <translation>{path} enthält keine Punkte von geoseg</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../corrections.py"/>
        <location filename="../object_labels.py"/>
        <source>{path} cannot be written</source>
        <translation>{path} kann nicht geschrieben werden</translation>
    </message>
    <message>
        <location filename="../accuracy.py"/>
        <location filename="../label_layer.py"/>
        <location filename="../rendered.py"/>
        <location filename="../vectors.py"/>
        <source>{path} cannot be written: {reason}</source>
        <translation>{path} kann nicht geschrieben werden: {reason}</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>{predicted} compared with {reference}</source>
        <translation>{predicted} verglichen mit {reference}</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Confusion matrix</source>
        <translation>Konfusionsmatrix</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <location filename="../new_classes.py"/>
        <location filename="../panel_objects.py"/>
        <location filename="../panel_result.py"/>
        <location filename="../sketch_table.py"/>
        <source>Class</source>
        <translation>Klasse</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>User's accuracy</source>
        <translation>Nutzergenauigkeit</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Producer's accuracy</source>
        <translation>Herstellergenauigkeit</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Reference, px</source>
        <translation>Referenz, px</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>± are half widths of 95 % confidence intervals.</source>
        <translation>± sind halbe Breiten von 95-%-Konfidenzintervallen.</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>map ▸ reference</source>
        <translation>Karte ▸ Referenz</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>reference ▸ map</source>
        <translation>Referenz ▸ Karte</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Overall accuracy</source>
        <translation>Gesamtgenauigkeit</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Mean IoU</source>
        <translation>Mittlere IoU</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Mean F1</source>
        <translation>Mittlerer F1</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Pixels compared</source>
        <translation>Verglichene Pixel</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <location filename="../algorithms/change.py"/>
        <location filename="../change_result.py"/>
        <source>units²</source>
        <translation>Einheiten²</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Interpreted points</source>
        <translation>Interpretierte Punkte</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Accuracy and areas of {map}</source>
        <translation>Genauigkeit und Flächen von {map}</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Mapped, {unit}</source>
        <translation>Kartiert, {unit}</translation>
    </message>
    <message>
        <location filename="../accuracy_report.py"/>
        <source>Area, {unit}</source>
        <translation>Fläche, {unit}</translation>
    </message>
    <message>
        <location filename="../algorithms/band_widget.py"/>
        <source>Choose a model to see its bands here. Without one, write names for the raster's, as in blue=1,green=2.</source>
        <translation>Wählen Sie ein Modell, um hier seine Bänder zu sehen. Ohne Modell schreiben Sie Namen für die Bänder des Rasters, etwa blue=1,green=2.</translation>
    </message>
    <message>
        <location filename="../algorithms/band_widget.py"/>
        <source>Choose a raster to see its bands here.</source>
        <translation>Wählen Sie ein Raster, um hier seine Bänder zu sehen.</translation>
    </message>
    <message>
        <location filename="../algorithms/band_widget.py"/>
        <source>by the names of the raster's bands</source>
        <translation>nach den Namen der Bänder des Rasters</translation>
    </message>
    <message>
        <location filename="../algorithms/band_widget.py"/>
        <source>As in blue=1,green=2: the model's band, and the number of the raster's</source>
        <translation>Wie in blue=1,green=2: das Band des Modells und die Nummer des Bandes im Raster</translation>
    </message>
    <message>
        <location filename="../algorithms/band_widget.py"/>
        <source>Choose the bands</source>
        <translation>Bänder wählen</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>GeoSeg has no Python yet: open Plugins ▸ GeoSeg ▸ Environment… and make or choose one.</source>
        <translation>GeoSeg hat noch kein Python: Erweiterungen ▸ GeoSeg ▸ Umgebung… öffnen und eines anlegen oder wählen.</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Empty: geoseg's default model.</source>
        <translation>Leer: das Standardmodell von geoseg.</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>… or a model folder</source>
        <translation>… oder ein Modellordner</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Bands</source>
        <translation>Bänder</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Which band is which, as blue=1,green=2,… Empty: by the bands' descriptions. 'Inspect raster' says what fits and what to write.</source>
        <translation>Welches Band welches ist, etwa blue=1,green=2,… Leer: nach den Beschreibungen der Bänder. „Raster prüfen“ sagt, was passt und was zu schreiben ist.</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Scale: value = stored × scale + offset</source>
        <translation>Skalierung: Wert = gespeichert × Skalierung + Versatz</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_bands.py"/>
        <source>Offset</source>
        <translation>Versatz</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Nodata value, instead of the file's</source>
        <translation>Nodata-Wert, statt dem der Datei</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Pixel size in CRS units; the finest band's if empty</source>
        <translation>Pixelgröße in KBS-Einheiten; leer: die des feinsten Bandes</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Minimum area of a polygon in m²; smaller ones are merged into a neighbour</source>
        <translation>Mindestfläche eines Polygons in m²; kleinere gehen in einem Nachbarn auf</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>As they are</source>
        <translation>Wie sie sind</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Square, for buildings</source>
        <translation>Rechtwinklig, für Gebäude</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Circles, for what is round</source>
        <translation>Kreise, für Rundes</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_scene.py"/>
        <location filename="../report.py"/>
        <source>Model</source>
        <translation>Modell</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Scene: one raster, or several with its bands</source>
        <translation>Szene: ein Raster oder mehrere mit ihren Bändern</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Extent; all of the scene if empty</source>
        <translation>Ausdehnung; leer: die ganze Szene</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Scenes: one raster each</source>
        <translation>Szenen: je ein Raster</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Labels: polygons, lines or points</source>
        <translation>Labels: Polygone, Linien oder Punkte</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Field with the class</source>
        <translation>Klassenfeld</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Simplify: how far borders may be moved, in metres</source>
        <translation>Vereinfachen: wie weit Grenzen verschoben werden dürfen, in Metern</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Shape of outlines</source>
        <translation>Form der Umrisse</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <location filename="../algorithms/sketch.py"/>
        <source>No raster is chosen, or it cannot be opened.</source>
        <translation>Kein Raster ist gewählt, oder es kann nicht geöffnet werden.</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>GeoSeg's Python does not work: {reason}. See Plugins ▸ GeoSeg ▸ Environment…</source>
        <translation>Das Python von GeoSeg funktioniert nicht: {reason}. Siehe Erweiterungen ▸ GeoSeg ▸ Umgebung…</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Bands: {reason}</source>
        <translation>Bänder: {reason}</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>Name of an installed model; the panel refreshes the list.</source>
        <translation>Name eines installierten Modells; das Bedienfeld aktualisiert die Liste.</translation>
    </message>
    <message>
        <location filename="../algorithms/base.py"/>
        <source>'{name}' is no raster file: render the part that you need to a file first, in the GeoSeg panel.</source>
        <translation>„{name}“ ist keine Rasterdatei: den benötigten Teil zuerst im GeoSeg-Bedienfeld in eine Datei rendern.</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <location filename="../change_result.py"/>
        <source>{share} % has changed; {area} more differ, but are not certain</source>
        <translation>{share} % haben sich geändert; weitere {area} sind verschieden, aber nicht sicher</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Detect changes</source>
        <translation>Änderungen erkennen</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Compares two class maps of one place, or two scenes that a model maps first: polygons of what became what, a raster of the transitions, and a report with their areas.

Classes are matched by name. What a small shift between the dates explains is not counted as a change. The maps may lie on different grids: the later one is brought to the pixels of the earlier one.

If a run with a model is cancelled, it goes on where it was when it is started again with the same scenes and options.</source>
        <translation>Vergleicht zwei Klassenkarten eines Ortes, oder zwei Szenen, die ein Modell zuerst kartiert: Polygone dessen, was wozu wurde, ein Raster der Übergänge und ein Bericht mit ihren Flächen.

Klassen werden über ihre Namen zugeordnet. Was ein kleiner Versatz zwischen den Zeitpunkten erklärt, zählt nicht als Änderung. Die Karten dürfen auf verschiedenen Gittern liegen: Die spätere wird auf die Pixel der früheren gebracht.

Wird ein Lauf mit einem Modell abgebrochen, geht er dort weiter, wo er war, wenn er mit denselben Szenen und Optionen neu gestartet wird.</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <location filename="../change_result.py"/>
        <source>{change}: {area}, {polygons} polygons</source>
        <translation>{change}: {area}, {polygons} Polygone</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Minimum area of a change in m²; smaller ones are merged into a neighbour</source>
        <translation>Mindestfläche einer Änderung in m²; kleinere gehen in einem Nachbarn auf</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Classes to rename or merge</source>
        <translation>Klassen, die umbenannt oder vereint werden</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>As old=new, by commas: forest=tree,shrub= makes forest tree, and leaves shrub out.</source>
        <translation>Als alt=neu, durch Kommas getrennt: forest=tree,shrub= macht forest zu tree und lässt shrub weg.</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Before: class map, or scene of one raster</source>
        <translation>Vorher: Klassenkarte, oder Szene aus einem Raster</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <location filename="../change_inputs.py"/>
        <source>After</source>
        <translation>Nachher</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Empty: both are class maps.</source>
        <translation>Leer: Beides sind Klassenkarten.</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Tolerance: shift in pixels that is no change</source>
        <translation>Toleranz: Versatz in Pixeln, der keine Änderung ist</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>Confidence that both dates need, in percent</source>
        <translation>Konfidenz, die beide Zeitpunkte brauchen, in Prozent</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <location filename="../changes.py"/>
        <location filename="../results.py"/>
        <source>Changes</source>
        <translation>Änderungen</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <location filename="../results.py"/>
        <source>Transitions</source>
        <translation>Übergänge</translation>
    </message>
    <message>
        <location filename="../algorithms/change.py"/>
        <source>{count} smaller transitions are in the report</source>
        <translation>{count} kleinere Übergänge stehen im Bericht</translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <source>Detect objects</source>
        <translation>Objekte erkennen</translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <source>Finds objects, such as buildings or trees, each one whole across the windows that the model sees, with class, score and area.

Models trained for objects keep those apart that touch; with any other model each connected region of a class is one object. Sort the table by score to look at the least certain ones first.</source>
        <translation>Findet Objekte wie Gebäude oder Bäume, jedes ganz über die Fenster hinweg, die das Modell sieht, mit Klasse, Score und Fläche.

Modelle, die für Objekte trainiert sind, halten auseinander, was sich berührt; mit jedem anderen Modell ist jede zusammenhängende Fläche einer Klasse ein Objekt. Wer die Tabelle nach dem Score sortiert, sieht die unsichersten zuerst.</translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <source>Minimum area of an object in m²; smaller ones are left out</source>
        <translation>Mindestfläche eines Objekts in m²; kleinere werden weggelassen</translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <source>Lowest score of objects, 0 to 1</source>
        <translation>Niedrigster Score der Objekte, 0 bis 1</translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <source>Only these classes, names by commas</source>
        <translation>Nur diese Klassen, Namen durch Kommas getrennt</translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <location filename="../panel_objects.py"/>
        <location filename="../results.py"/>
        <source>Objects</source>
        <translation>Objekte</translation>
    </message>
    <message>
        <location filename="../algorithms/detect.py"/>
        <source>{label}: {number} objects, {hectares} ha</source>
        <translation>{label}: {number} Objekte, {hectares} ha</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Evaluate map</source>
        <translation>Karte bewerten</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Holds a class map against a reference: a class raster, or polygons with a field that names the class. The accuracy table opens in the results viewer: overall accuracy, IoU, F1, user's and producer's accuracy of each class, and the confusion matrix.</source>
        <translation>Vergleicht eine Klassenkarte mit einer Referenz: einem Klassenraster oder Polygonen mit einem Klassenfeld. Die Genauigkeitstabelle öffnet sich in der Ergebnisanzeige: Gesamtgenauigkeit, IoU, F1, Nutzer- und Herstellergenauigkeit jeder Klasse und die Konfusionsmatrix.</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>HTML files (*.html)</source>
        <translation>HTML-Dateien (*.html)</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Reference: raster or polygons</source>
        <translation>Referenz: Raster oder Polygone</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Field with the class, of reference polygons</source>
        <translation>Klassenfeld der Referenzpolygone</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <location filename="../algorithms/inspect.py"/>
        <location filename="../algorithms/windowed.py"/>
        <source>Report</source>
        <translation>Bericht</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <location filename="../algorithms/inspect.py"/>
        <location filename="../algorithms/windowed.py"/>
        <source>JSON files (*.json)</source>
        <translation>JSON-Dateien (*.json)</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Accuracy table</source>
        <translation>Genauigkeitstabelle</translation>
    </message>
    <message>
        <location filename="../algorithms/evaluate.py"/>
        <source>Overall accuracy: {share}</source>
        <translation>Gesamtgenauigkeit: {share}</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Inspect raster</source>
        <translation>Raster prüfen</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Says what is in a raster, whether it fits a model, how to fix it if it does not, and what a run will cost. Nothing is computed.</source>
        <translation>Sagt, was in einem Raster ist, ob es zu einem Modell passt, wie man es behebt, wenn nicht, und was ein Lauf kosten wird. Es wird nichts berechnet.</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>geoseg said nothing</source>
        <translation>geoseg hat nichts ausgegeben</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Whether it fits the model</source>
        <translation>Ob es zum Modell passt</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Why it does not fit</source>
        <translation>Warum es nicht passt</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Options that would fix it, as JSON</source>
        <translation>Optionen, die es beheben würden, als JSON</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>Seconds a run takes here; -1 if not known</source>
        <translation>Sekunden, die ein Lauf hier dauert; -1 wenn unbekannt</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>warning: {text}</source>
        <translation>Warnung: {text}</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>fits model {model}</source>
        <translation>passt zum Modell {model}</translation>
    </message>
    <message>
        <location filename="../algorithms/inspect.py"/>
        <source>no CRS</source>
        <translation>kein KBS</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Next places to label</source>
        <translation>Nächste Stellen zum Beschriften</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Proposes polygons where a label would help a model most: uncertain, large enough to judge, unlike what is labelled already, and spread over the map. Each has the class that the model believes: correct it, delete what you cannot judge, and use the layer as labels.</source>
        <translation>Schlägt Polygone vor, wo ein Label einem Modell am meisten hilft: unsicher, groß genug zum Beurteilen, anders als das bereits Beschriftete und über die Karte verteilt. Jedes hat die Klasse, die das Modell annimmt: Berichtigen Sie sie, löschen Sie, was Sie nicht beurteilen können, und verwenden Sie den Layer als Labels.</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Side of the largest polygon in pixels</source>
        <translation>Seite des größten Polygons in Pixeln</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Class map; confidence and report lie beside it</source>
        <translation>Klassenkarte; Konfidenz und Bericht liegen daneben</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>What is labelled already</source>
        <translation>Was schon beschriftet ist</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Scenes of the results: places are compared by their bands</source>
        <translation>Szenen der Ergebnisse: Stellen werden nach ihren Bändern verglichen</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Number of places</source>
        <translation>Anzahl der Stellen</translation>
    </message>
    <message>
        <location filename="../algorithms/next_places.py"/>
        <source>Places to label</source>
        <translation>Stellen zum Beschriften</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Polygonize class map</source>
        <translation>Klassenkarte vektorisieren</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Turns a class map of any size, or any raster of whole numbers, into polygons with class, true area and perimeter. Regions are never cut, and borders that are simplified neither gap nor overlap.</source>
        <translation>Wandelt eine Klassenkarte beliebiger Größe oder ein Raster ganzer Zahlen in Polygone mit Klasse, wahrer Fläche und Umfang um. Regionen werden nie zerschnitten, vereinfachte Grenzen klaffen nicht und überlappen nicht.</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Pixels without class; instead of the file's own</source>
        <translation>Pixel ohne Klasse; statt der Angabe der Datei</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Band</source>
        <translation>Band</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Confidence raster on the same grid</source>
        <translation>Konfidenzraster auf demselben Gitter</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Round the stair steps of pixels</source>
        <translation>Treppenstufen der Pixel runden</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Only these classes, numbers or names, by commas</source>
        <translation>Nur diese Klassen, Nummern oder Namen, mit Kommas</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>All classes but these</source>
        <translation>Alle Klassen außer diesen</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Classes that the minimum area does not apply to</source>
        <translation>Klassen, für die die Mindestfläche nicht gilt</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <source>Pixels that touch at corners belong together</source>
        <translation>Pixel, die sich an Ecken berühren, gehören zusammen</translation>
    </message>
    <message>
        <location filename="../algorithms/polygonize.py"/>
        <location filename="../algorithms/segment.py"/>
        <location filename="../panel_result.py"/>
        <location filename="../results.py"/>
        <source>Polygons</source>
        <translation>Polygone</translation>
    </message>
    <message>
        <location filename="../algorithms/segment.py"/>
        <source>Segment raster</source>
        <translation>Raster segmentieren</translation>
    </message>
    <message>
        <location filename="../algorithms/segment.py"/>
        <source>Segments a satellite, aerial or drone raster with a model into a class map, confidence and land-cover polygons, all with names and colours.

Several rasters are the bands of one scene. A run that was cancelled goes on where it was when it is started again with the same files and options.</source>
        <translation>Segmentiert ein Satelliten-, Luft- oder Drohnenbild mit einem Modell in Klassenkarte, Konfidenz und Landbedeckungspolygone, alle mit Namen und Farben.

Mehrere Raster sind die Bänder einer Szene. Ein abgebrochener Lauf wird fortgesetzt, wenn er mit denselben Dateien und Optionen neu gestartet wird.</translation>
    </message>
    <message>
        <location filename="../algorithms/segment.py"/>
        <location filename="../results.py"/>
        <source>Confidence</source>
        <translation>Konfidenz</translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <source>Sketch a model from labels</source>
        <translation>Modell aus Labels skizzieren</translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <source>Makes a model from a few polygons, lines or points of each class, in seconds and without a GPU, for any bands. Draw each class in three places or more: the log says how well drawings that were held out are told apart. An earlier sketch of the same raster saves what was computed for it.</source>
        <translation>Macht aus wenigen Polygonen, Linien oder Punkten je Klasse ein Modell, in Sekunden und ohne GPU, für beliebige Bänder. Zeichnen Sie jede Klasse an drei Stellen oder mehr: Das Protokoll sagt, wie gut zurückgehaltene Zeichnungen unterschieden werden. Eine frühere Skizze desselben Rasters erspart, was für sie schon berechnet wurde.</translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <source>Model whose answers help</source>
        <translation>Modell, dessen Antworten helfen</translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <source>Empty: a bundled model that fits, if there is one.</source>
        <translation>Leer: ein mitgeliefertes Modell, das passt, falls es eines gibt.</translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <source>Earlier sketch of the raster: its model folder</source>
        <translation>Frühere Skizze des Rasters: ihr Modellordner</translation>
    </message>
    <message>
        <location filename="../algorithms/sketch.py"/>
        <location filename="../algorithms/train.py"/>
        <source>Model folder</source>
        <translation>Modellordner</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Train model</source>
        <translation>Modell trainieren</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Trains a model on scenes and labels: polygons, lines or points (a field names the class), or a raster for each scene. With a model to start from it is fine-tuned, which needs far fewer labels. What no label covers is ignored.</source>
        <translation>Trainiert ein Modell mit Szenen und Labels: Polygonen, Linien oder Punkten (ein Feld nennt die Klasse) oder je Szene einem Raster. Mit einem Ausgangsmodell wird dieses nachtrainiert, was weit weniger Labels braucht. Was kein Label abdeckt, bleibt unbeachtet.</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Model to start from</source>
        <translation>Ausgangsmodell</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Metres around lines and points that they label, too</source>
        <translation>Meter um Linien und Punkte, die mit zum Label gehören</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Side of training windows in pixels</source>
        <translation>Seitenlänge der Trainingsfenster in Pixeln</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Windows of a step; what fits into memory if empty</source>
        <translation>Fenster je Schritt; leer: was in den Speicher passt</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_correct.py"/>
        <source>Learning rate</source>
        <translation>Lernrate</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>… or label rasters, one for each scene</source>
        <translation>… oder Labelraster, je Szene eines</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Empty: a new network is trained from random weights.</source>
        <translation>Leer: ein neues Netz wird von Zufallsgewichten aus trainiert.</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_correct.py"/>
        <source>Epochs</source>
        <translation>Epochen</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Architecture, as unet</source>
        <translation>Architektur, z. B. unet</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Encoder, as resnet18</source>
        <translation>Encoder, z. B. resnet18</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Device: auto, cpu, cuda</source>
        <translation>Gerät: auto, cpu, cuda</translation>
    </message>
    <message>
        <location filename="../algorithms/train.py"/>
        <source>Give a layer of labels or label rasters, one of the two.</source>
        <translation>Entweder einen Layer mit Labels oder Labelraster angeben.</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Window: side of what the model sees, in pixels</source>
        <translation>Fenster: Seitenlänge dessen, was das Modell sieht, in Pixeln</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Margin: context around a window that is not kept, in pixels</source>
        <translation>Rand: Kontext um ein Fenster, der verworfen wird, in Pixeln</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Stitching</source>
        <translation>Zusammensetzen</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Precision</source>
        <translation>Rechengenauigkeit</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Device: auto, cpu, cuda, cuda:1</source>
        <translation>Gerät: auto, cpu, cuda, cuda:1</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Memory budget, as 4GB</source>
        <translation>Speicherbudget, z. B. 4GB</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>Finished parts are kept in {folder}: run it again to go on.</source>
        <translation>Fertige Teile bleiben in {folder}: zum Fortsetzen neu starten.</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>{path}: polygons can be written as {formats}</source>
        <translation>{path}: Polygone können als {formats} geschrieben werden</translation>
    </message>
    <message>
        <location filename="../algorithms/windowed.py"/>
        <source>{path}: class maps and confidence are GeoTIFF; give a name that ends in .tif</source>
        <translation>{path}: Klassenkarten und Konfidenz sind GeoTIFF; der Name muss auf .tif enden</translation>
    </message>
    <message>
        <location filename="../band_table.py"/>
        <source>(none)</source>
        <translation>(keines)</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Class maps</source>
        <translation>Klassenkarten</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Scenes</source>
        <translation>Szenen</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Swap</source>
        <translation>Tauschen</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Exchange before and after</source>
        <translation>Vorher und nachher vertauschen</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>What a shift by so many pixels explains is no change</source>
        <translation>Was ein Versatz um so viele Pixel erklärt, ist keine Änderung</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <location filename="../panel_run.py"/>
        <source>off</source>
        <translation>aus</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Smaller changes are merged into what is around them</source>
        <translation>Kleinere Änderungen gehen in ihrer Umgebung auf</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>geoseg_changes, beside the first</source>
        <translation>geoseg_changes, neben der ersten Datei</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_run.py"/>
        <source>Replace existing results</source>
        <translation>Vorhandene Ergebnisse ersetzen</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Compare</source>
        <translation>Vergleichen</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Before</source>
        <translation>Vorher</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Tolerance</source>
        <translation>Toleranz</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_run.py"/>
        <source>Minimum area</source>
        <translation>Mindestfläche</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_run.py"/>
        <source>Results</source>
        <translation>Ergebnisse</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Choose two different layers.</source>
        <translation>Zwei verschiedene Layer wählen.</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Choose a model in the GeoSeg panel.</source>
        <translation>Im GeoSeg-Bedienfeld ein Modell wählen.</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Model of the panel: {name}</source>
        <translation>Modell des Bedienfelds: {name}</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Add two raster files of one place to the project.</source>
        <translation>Zwei Rasterdateien eines Ortes zum Projekt hinzufügen.</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>Add two class maps of one place to the project, or run a model on two scenes first.</source>
        <translation>Zwei Klassenkarten eines Ortes zum Projekt hinzufügen, oder zuerst ein Modell auf zwei Szenen anwenden.</translation>
    </message>
    <message>
        <location filename="../change_inputs.py"/>
        <source>bands {bands}</source>
        <translation>Bänder {bands}</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>{place} of {count}: {change}, {area}</source>
        <translation>{place} von {count}: {change}, {area}</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Steps through the changes of the selected row, the largest first</source>
        <translation>Geht die Änderungen der gewählten Zeile durch, die größte zuerst</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Shows the two dates in turns, a second each</source>
        <translation>Zeigt die beiden Zeitpunkte abwechselnd, je eine Sekunde</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Before left, after right of a line that can be dragged</source>
        <translation>Vorher links, nachher rechts einer Linie, die sich ziehen lässt</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Picture before</source>
        <translation>Bild vorher</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Picture after</source>
        <translation>Bild nachher</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Change</source>
        <translation>Änderung</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <location filename="../labels.py"/>
        <location filename="../panel_area.py"/>
        <location filename="../panel_objects.py"/>
        <location filename="../panel_result.py"/>
        <location filename="../render_dialog.py"/>
        <source>Area</source>
        <translation>Bereich</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <location filename="../panel_sketch.py"/>
        <source>Next place</source>
        <translation>Nächste Stelle</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>What is shown of this date</source>
        <translation>Was von diesem Zeitpunkt gezeigt wird</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Flicker</source>
        <translation>Wechseln</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Swipe</source>
        <translation>Wischen</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>Nothing has changed; {area} differ, but are not certain.</source>
        <translation>Nichts hat sich geändert; {area} sind verschieden, aber nicht sicher.</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>The polygons of the changes are not in the project, or there are none.</source>
        <translation>Die Polygone der Änderungen sind nicht im Projekt, oder es gibt keine.</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <location filename="../panel_result.py"/>
        <source>This polygon is gone; on to the next.</source>
        <translation>Dieses Polygon gibt es nicht mehr; weiter zum nächsten.</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>All changes</source>
        <translation>Alle Änderungen</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>confidence {percent} %</source>
        <translation>Konfidenz {percent} %</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <location filename="../corrections.py"/>
        <location filename="../panel_run.py"/>
        <location filename="../render_dialog.py"/>
        <location filename="../sketch_labels.py"/>
        <location filename="../sketch_loop.py"/>
        <source>{path} cannot be opened</source>
        <translation>{path} kann nicht geöffnet werden</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <source>{name} (is added)</source>
        <translation>{name} (wird hinzugefügt)</translation>
    </message>
    <message>
        <location filename="../change_result.py"/>
        <location filename="../panel_area.py"/>
        <source>The area cannot be transformed: {reason}</source>
        <translation>Der Bereich kann nicht transformiert werden: {reason}</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <source>What is compared</source>
        <translation>Was verglichen wird</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <source>GeoSeg: changes</source>
        <translation>GeoSeg: Änderungen</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../panel_run.py"/>
        <location filename="../report.py"/>
        <source>Run</source>
        <translation>Ausführen</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../environment_page.py"/>
        <location filename="../panel_correct.py"/>
        <location filename="../panel_run.py"/>
        <location filename="../panel_sketch.py"/>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <source>Compares in the background</source>
        <translation>Vergleicht im Hintergrund</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../panel_run.py"/>
        <source>Cancelling…</source>
        <translation>Wird abgebrochen…</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../panel_run.py"/>
        <source>Cancelled. Run again to go on where it was.</source>
        <translation>Abgebrochen. Erneut ausführen setzt dort fort.</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../panel_correct.py"/>
        <location filename="../panel_run.py"/>
        <location filename="../render_dialog.py"/>
        <source>Cancelled.</source>
        <translation>Abgebrochen.</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../panel_run.py"/>
        <source>Done: {folder}</source>
        <translation>Fertig: {folder}</translation>
    </message>
    <message>
        <location filename="../changes.py"/>
        <location filename="../dock.py"/>
        <source>The project's GeoSeg entry cannot be read: {reason}</source>
        <translation>Der GeoSeg-Eintrag des Projekts kann nicht gelesen werden: {reason}</translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>Nothing is outlined there: click elsewhere on it, or with Shift on more of it.</source>
        <translation>Dort wird nichts umrissen: an eine andere Stelle des Objekts klicken oder mit der Umschalttaste auf weitere.</translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>Outline by a click</source>
        <translation>Umriss durch Klick</translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>Outlined, score {score:.2f}. Shift adds to it, Ctrl takes away.</source>
        <translation>Umrissen, Güte {score:.2f}. Umschalttaste fügt hinzu, Strg nimmt weg.</translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>It may go on: zoom out and click again.</source>
        <translation>Es könnte weitergehen: herauszoomen und noch einmal klicken.</translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>The labels cannot be edited.</source>
        <translation>Die Labels können nicht bearbeitet werden.</translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>The outline cannot be added to the labels.</source>
        <translation>Der Umriss kann den Labels nicht hinzugefügt werden.</translation>
    </message>
    <message>
        <location filename="../click_tool.py"/>
        <source>No click model is installed. Add the two ONNX files of one, such as SAM: {command}</source>
        <translation>Es ist kein Klickmodell installiert. Die zwei ONNX-Dateien eines solchen, zum Beispiel von SAM, hinzufügen: {command}</translation>
    </message>
    <message>
        <location filename="../compare_view.py"/>
        <source>Before: {name}</source>
        <translation>Vorher: {name}</translation>
    </message>
    <message>
        <location filename="../compare_view.py"/>
        <source>After: {name}</source>
        <translation>Nachher: {name}</translation>
    </message>
    <message>
        <location filename="../corrections.py"/>
        <source>Run a model on a raster first; then correct its polygons.</source>
        <translation>Zuerst ein Modell auf ein Raster anwenden, dann dessen Polygone korrigieren.</translation>
    </message>
    <message>
        <location filename="../corrections.py"/>
        <source>Run a model on a raster, or name new classes first.</source>
        <translation>Zuerst ein Modell auf ein Raster anwenden oder neue Klassen benennen.</translation>
    </message>
    <message>
        <location filename="../corrections.py"/>
        <source>Corrections</source>
        <translation>Korrekturen</translation>
    </message>
    <message>
        <location filename="../corrections.py"/>
        <location filename="../new_classes.py"/>
        <location filename="../sketch_labels.py"/>
        <source>Labels</source>
        <translation>Labels</translation>
    </message>
    <message>
        <location filename="../corrections.py"/>
        <source>There are no labels yet: edit polygons of the result, or draw some.</source>
        <translation>Es gibt noch keine Labels: Polygone des Ergebnisses bearbeiten oder welche zeichnen.</translation>
    </message>
    <message>
        <location filename="../dock.py"/>
        <source>GeoSeg</source>
        <translation>GeoSeg</translation>
    </message>
    <message>
        <location filename="../dock.py"/>
        <source>Set up…</source>
        <translation>Einrichten…</translation>
    </message>
    <message>
        <location filename="../dock.py"/>
        <location filename="../panel_sketch.py"/>
        <source>geoseg needs a Python of its own. It is made in a few minutes, outside of QGIS.</source>
        <translation>geoseg braucht ein eigenes Python. Es wird in wenigen Minuten außerhalb von QGIS angelegt.</translation>
    </message>
    <message>
        <location filename="../dock.py"/>
        <location filename="../environment_page.py"/>
        <source>Diagnostics are on the clipboard.</source>
        <translation>Die Diagnose ist in der Zwischenablage.</translation>
    </message>
    <message>
        <location filename="../dock.py"/>
        <source>geoseg does not run: {reason}</source>
        <translation>geoseg läuft nicht: {reason}</translation>
    </message>
    <message>
        <location filename="../dock.py"/>
        <source>The models cannot be listed: {reason}</source>
        <translation>Die Modelle können nicht aufgelistet werden: {reason}</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>geoseg runs in a Python of its own, outside QGIS: nothing is installed into QGIS itself.</source>
        <translation>geoseg läuft in einem eigenen Python außerhalb von QGIS: in QGIS selbst wird nichts installiert.</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Needs about {size} on disk ({free:.0f} GB free), in {folder}</source>
        <translation>Braucht etwa {size} Speicherplatz ({free:.0f} GB frei) in {folder}</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Set up GeoSeg</source>
        <translation>GeoSeg einrichten</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Check</source>
        <translation>Prüfen</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <location filename="../plugin.py"/>
        <source>Copy diagnostics</source>
        <translation>Diagnose kopieren</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Close</source>
        <translation>Schließen</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Install</source>
        <translation>Installieren</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>CPU</source>
        <translation>CPU</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>NVIDIA GPU (CUDA)</source>
        <translation>NVIDIA-GPU (CUDA)</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <location filename="../panel_correct.py"/>
        <source>Advanced</source>
        <translation>Erweitert</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>A wheel, a folder with geoseg's source, or a name in the package index</source>
        <translation>Ein Wheel, ein Ordner mit dem Quelltext von geoseg oder ein Name im Paketindex</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Choose a folder with geoseg's source</source>
        <translation>Ordner mit dem Quelltext von geoseg wählen</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>the system's; else http://host:port</source>
        <translation>die des Systems; sonst http://host:port</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>without network: a folder filled by `pip download`</source>
        <translation>ohne Netz: ein mit `pip download` gefüllter Ordner</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>The commands that Install runs</source>
        <translation>Die Befehle, die „Installieren“ ausführt</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Remove the installation</source>
        <translation>Installation entfernen</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Source</source>
        <translation>Quelle</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Proxy</source>
        <translation>Proxy</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Wheel folder</source>
        <translation>Wheel-Ordner</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Commands</source>
        <translation>Befehle</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Own Python</source>
        <translation>Eigenes Python</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>a python program that has geoseg; empty: the installation above</source>
        <translation>ein Python-Programm mit geoseg; leer: die Installation oben</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Use it</source>
        <translation>Verwenden</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Log</source>
        <translation>Protokoll</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>geoseg is not installed yet.</source>
        <translation>geoseg ist noch nicht installiert.</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Folder with geoseg's source</source>
        <translation>Ordner mit dem Quelltext von geoseg</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>The disk of {folder} has {free:.1f} GB free, {size} are needed.</source>
        <translation>Auf dem Datenträger von {folder} sind {free:.1f} GB frei, {size} werden gebraucht.</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>What was downloaded is kept: Install continues from there.</source>
        <translation>Geladenes bleibt erhalten: „Installieren“ setzt dort fort.</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Install PyTorch from the ordinary package index instead (about {size:.0f} GB)</source>
        <translation>PyTorch stattdessen aus dem gewöhnlichen Paketindex installieren (etwa {size:.0f} GB)</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Downloading and unpacking: {done:.1f} of about {total:.1f} GB</source>
        <translation>Laden und Entpacken: {done:.1f} von etwa {total:.1f} GB</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Preparing</source>
        <translation>Vorbereiten</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Installing</source>
        <translation>Installieren</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Checking: importing geoseg and its dependencies</source>
        <translation>Prüfen: geoseg und seine Abhängigkeiten werden importiert</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Removed.</source>
        <translation>Entfernt.</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Compute on</source>
        <translation>Rechnen auf</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Looking for a Python that geoseg can be installed with…</source>
        <translation>Ein Python zum Installieren von geoseg wird gesucht…</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Checking {python}: importing geoseg and what it needs</source>
        <translation>{python} wird geprüft: geoseg und was es braucht werden importiert</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>{python}: not checked yet</source>
        <translation>{python}: noch nicht geprüft</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>{minutes:.0f} min left</source>
        <translation>noch {minutes:.0f} min</translation>
    </message>
    <message>
        <location filename="../environment_page.py"/>
        <source>Done: {what}</source>
        <translation>Fertig: {what}</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_bands.py"/>
        <source>Bands and values</source>
        <translation>Bänder und Werte</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <source>Bands in other layers</source>
        <translation>Bänder in anderen Layern</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_bands.py"/>
        <source>Scale</source>
        <translation>Skalierung</translation>
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
        <translation>Pixelgröße</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_run.py"/>
        <source>Simplify</source>
        <translation>Vereinfachen</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_correct.py"/>
        <source>Batch size</source>
        <translation>Stapelgröße</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../panel_correct.py"/>
        <source>Tile size</source>
        <translation>Kachelgröße</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <source>Memory</source>
        <translation>Speicher</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <location filename="../report.py"/>
        <source>Device</source>
        <translation>Gerät</translation>
    </message>
    <message>
        <location filename="../labels.py"/>
        <source>Class field</source>
        <translation>Klassenfeld</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>New classes</source>
        <translation>Neue Klassen</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>GeoPackage (*.gpkg)</source>
        <translation>GeoPackage (*.gpkg)</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>name</source>
        <translation>Name</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Name at least two classes.</source>
        <translation>Mindestens zwei Klassen benennen.</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Two classes have the same name.</source>
        <translation>Zwei Klassen haben denselben Namen.</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Names of classes must not contain commas, colons or equals signs.</source>
        <translation>Klassennamen dürfen weder Kommas noch Doppelpunkte oder Gleichheitszeichen enthalten.</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Colour</source>
        <translation>Farbe</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Add a class</source>
        <translation>Klasse hinzufügen</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Remove the selected class</source>
        <translation>Gewählte Klasse entfernen</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>Name what is to be told apart. Then draw some examples of each class; a model is trained on them.</source>
        <translation>Benennen, was unterschieden werden soll. Dann von jeder Klasse einige Beispiele zeichnen; damit wird ein Modell trainiert.</translation>
    </message>
    <message>
        <location filename="../new_classes.py"/>
        <source>There is no folder {folder}</source>
        <translation>Es gibt keinen Ordner {folder}</translation>
    </message>
    <message>
        <location filename="../next_places.py"/>
        <location filename="../phases.py"/>
        <source>Looking for uncertain places</source>
        <translation>Unsichere Stellen werden gesucht</translation>
    </message>
    <message>
        <location filename="../next_places.py"/>
        <source>Place {number} of {count}: “{name}” by the model, {confidence:.0f} % sure. Draw what it is.</source>
        <translation>Stelle {number} von {count}: laut Modell „{name}“, zu {confidence:.0f} % sicher. Zeichnen Sie, was es ist.</translation>
    </message>
    <message>
        <location filename="../next_places.py"/>
        <source>Sketch first: places are looked for on its map.</source>
        <translation>Skizzieren Sie zuerst: Die Stellen werden auf der Karte der Skizze gesucht.</translation>
    </message>
    <message>
        <location filename="../next_places.py"/>
        <source>There are no uncertain places.</source>
        <translation>Es gibt keine unsicheren Stellen.</translation>
    </message>
    <message>
        <location filename="../overlay.py"/>
        <source>The map shows no part of the raster: zoom to it first.</source>
        <translation>Die Karte zeigt keinen Teil des Rasters: zuerst dorthin zoomen.</translation>
    </message>
    <message>
        <location filename="../overlay.py"/>
        <source>GeoSeg preview</source>
        <translation>GeoSeg-Vorschau</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>What lies outside of the polygons has no class</source>
        <translation>Was außerhalb der Polygone liegt, bekommt keine Klasse</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>Draw again</source>
        <translation>Neu zeichnen</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>native</source>
        <translation>original</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>Pixel size of the map; the raster is resampled to it</source>
        <translation>Pixelgröße der Karte; das Raster wird darauf umgerechnet</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>No polygon is selected: select some in a vector layer first.</source>
        <translation>Kein Polygon gewählt: zuerst welche in einem Vektorlayer wählen.</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <location filename="../panel_objects.py"/>
        <source>Whole raster</source>
        <translation>Ganzes Raster</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <location filename="../panel_objects.py"/>
        <source>Map view</source>
        <translation>Kartenausschnitt</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>Drawn polygon</source>
        <translation>Gezeichnetes Polygon</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>Selected polygons</source>
        <translation>Gewählte Polygone</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>Draw the area on the map first: click its corners, right-click to finish.</source>
        <translation>Zuerst den Bereich in der Karte zeichnen: Ecken anklicken, mit Rechtsklick abschließen.</translation>
    </message>
    <message>
        <location filename="../panel_area.py"/>
        <source>The chosen area lies outside of the raster '{name}'.</source>
        <translation>Der gewählte Bereich liegt außerhalb des Rasters „{name}“.</translation>
    </message>
    <message>
        <location filename="../panel_bands.py"/>
        <source>value = stored × scale + offset; 1/10000 for reflectance × 10,000</source>
        <translation>Wert = gespeichert × Skalierung + Versatz; 1/10000 für Reflektanz × 10.000</translation>
    </message>
    <message>
        <location filename="../panel_bands.py"/>
        <source>Further layers that hold bands of the same scene</source>
        <translation>Weitere Layer mit Bändern derselben Szene</translation>
    </message>
    <message>
        <location filename="../panel_bands.py"/>
        <source>as in the file</source>
        <translation>wie in der Datei</translation>
    </message>
    <message>
        <location filename="../panel_bands.py"/>
        <source>Bands of the same scene in other layers:</source>
        <translation>Bänder derselben Szene in anderen Layern:</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>{labels} labels, {waiting} edited polygons that are no labels yet.</source>
        <translation>{labels} Labels, {waiting} bearbeitete Polygone, die noch keine Labels sind.</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Toggle editing on the polygons and change class or shape, or draw labels.</source>
        <translation>Bearbeitung der Polygone einschalten und Klasse oder Form ändern, oder Labels zeichnen.</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>{count} polygons are labels now</source>
        <translation>{count} Polygone sind nun Labels</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Labels and training</source>
        <translation>Labels und Training</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <location filename="../panel_scene.py"/>
        <location filename="../sketch_labels.py"/>
        <source>New classes…</source>
        <translation>Neue Klassen…</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <location filename="../panel_scene.py"/>
        <source>Name classes, draw examples of them on this raster, and train a model</source>
        <translation>Klassen benennen, Beispiele auf diesem Raster zeichnen und ein Modell trainieren</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Edited polygons → labels</source>
        <translation>Bearbeitete Polygone → Labels</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Save your edits of the result and use the edited polygons as labels</source>
        <translation>Änderungen am Ergebnis speichern und die bearbeiteten Polygone als Labels verwenden</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Draw labels</source>
        <translation>Labels zeichnen</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Draw polygons of known class</source>
        <translation>Polygone bekannter Klasse zeichnen</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>New model</source>
        <translation>Neues Modell</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Side of the squares that the model is trained on</source>
        <translation>Seitenlänge der Quadrate, mit denen trainiert wird</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Tiles that are computed at a time; fewer need less memory</source>
        <translation>Gleichzeitig berechnete Kacheln; weniger brauchen weniger Speicher</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>By how much each step changes the model</source>
        <translation>Wie stark jeder Schritt das Modell ändert</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>{labels} labels.</source>
        <translation>{labels} Labels.</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Draw some polygons of each class, in places that differ.</source>
        <translation>Von jeder Klasse einige Polygone an verschiedenen Stellen zeichnen.</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>automatic</source>
        <translation>automatisch</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Train a model on classes of your own, or correct the map that a run gives.</source>
        <translation>Ein Modell für eigene Klassen trainieren oder die Karte eines Laufs korrigieren.</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Fine-tune the model</source>
        <translation>Modell nachtrainieren</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Train a model</source>
        <translation>Modell trainieren</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Give the new model a name of letters, digits, - and _.</source>
        <translation>Dem neuen Modell einen Namen aus Buchstaben, Ziffern, - und _ geben.</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>GeoSeg: training {model}</source>
        <translation>GeoSeg: {model} wird trainiert</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>There is a model called {name}: choose another name.</source>
        <translation>Es gibt schon ein Modell {name}: einen anderen Namen wählen.</translation>
    </message>
    <message>
        <location filename="../panel_correct.py"/>
        <source>Model {name} is trained and in the list</source>
        <translation>Modell {name} ist trainiert und in der Liste</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>{place} of {count}: {name}, score {score:.2f}</source>
        <translation>{place} von {count}: {name}, Score {score:.2f}</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Detect…</source>
        <translation>Suchen…</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Find objects on the chosen raster</source>
        <translation>Objekte im gewählten Raster suchen</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Next uncertain</source>
        <translation>Nächstes unsicheres</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Zoom to the objects with the lowest scores, one after the other</source>
        <translation>Zu den Objekten mit den niedrigsten Scores zoomen, eines nach dem anderen</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Delete</source>
        <translation>Löschen</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Delete the selected objects</source>
        <translation>Die gewählten Objekte löschen</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Split</source>
        <translation>Teilen</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Draw a line through an object that should be two</source>
        <translation>Eine Linie durch ein Objekt ziehen, das zwei sein sollte</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Merge</source>
        <translation>Verschmelzen</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Make one object of those that are selected</source>
        <translation>Aus den gewählten Objekten eines machen</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <location filename="../sketch_labels.py"/>
        <source>Draw</source>
        <translation>Zeichnen</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Draw an object that is missing</source>
        <translation>Ein fehlendes Objekt zeichnen</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Where you have looked at every object; elsewhere nothing will be learned</source>
        <translation>Wo Sie jedes Objekt angesehen haben; anderswo wird nichts gelernt</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Objects → labels</source>
        <translation>Objekte → Labels</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Save the edits, and turn the objects into labels to train on</source>
        <translation>Die Änderungen speichern und aus den Objekten Labels zum Trainieren machen</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Checked</source>
        <translation>Geprüft</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <location filename="../panel_scene.py"/>
        <location filename="../panel_sketch.py"/>
        <location filename="../sketch_labels.py"/>
        <source>Add a raster layer to the project.</source>
        <translation>Einen Rasterlayer zum Projekt hinzufügen.</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>There are no objects with a score.</source>
        <translation>Es gibt keine Objekte mit einem Score.</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Select objects first; “Next uncertain” selects one.</source>
        <translation>Wählen Sie zuerst Objekte; „Nächstes unsicheres“ wählt eines.</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Select the parts of the object, further ones with Shift and a click, then press “Merge” again.</source>
        <translation>Wählen Sie die Teile des Objekts, weitere mit Umschalt und Klick, und drücken Sie dann wieder „Verschmelzen“.</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>Choose the raster that the objects were found on.</source>
        <translation>Wählen Sie das Raster, in dem die Objekte gefunden wurden.</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>The map view does not show the raster.</source>
        <translation>Der Kartenausschnitt zeigt das Raster nicht.</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>{count} objects are labels now: train a model on them below.</source>
        <translation>{count} Objekte sind jetzt Labels: Trainieren Sie unten ein Modell damit.</translation>
    </message>
    <message>
        <location filename="../panel_objects.py"/>
        <source>{name} cannot be edited.</source>
        <translation>{name} kann nicht bearbeitet werden.</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>{place} of {count}: {name}, confidence {confidence:.0f} %, {area:,.1f} ha</source>
        <translation>{place} von {count}: {name}, Konfidenz {confidence:.0f} %, {area:,.1f} ha</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>Open report</source>
        <translation>Bericht öffnen</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>Zoom to uncertain</source>
        <translation>Zu Unsicherem zoomen</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>Steps through the least certain polygons; small ones and narrow strips come later</source>
        <translation>Geht die unsichersten Polygone durch; kleine und schmale Streifen kommen später</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>GeoSeg report</source>
        <translation>GeoSeg-Bericht</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>Open folder</source>
        <translation>Ordner öffnen</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>There are no polygons with a confidence.</source>
        <translation>Es gibt keine Polygone mit Konfidenz.</translation>
    </message>
    <message>
        <location filename="../panel_result.py"/>
        <source>{path} cannot be read: {reason}</source>
        <translation>{path} kann nicht gelesen werden: {reason}</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Preview of the visible part</source>
        <translation>Vorschau des sichtbaren Teils</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Preview</source>
        <translation>Vorschau</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Segment the visible part of the map and show it as an overlay</source>
        <translation>Den sichtbaren Teil der Karte segmentieren und darüberlegen</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Segment the chosen area in the background</source>
        <translation>Den gewählten Bereich im Hintergrund segmentieren</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>geoseg_results, beside the raster</source>
        <translation>geoseg_results, neben dem Raster</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Smaller polygons are merged into their neighbours</source>
        <translation>Kleinere Polygone gehen in ihren Nachbarn auf</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>By how much borders of polygons may be moved to make them smoother</source>
        <translation>Wie weit Polygongrenzen zum Glätten verschoben werden dürfen</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Cutting out the polygon…</source>
        <translation>Polygon wird ausgeschnitten…</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>GeoSeg: {scene}</source>
        <translation>GeoSeg: {scene}</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>The results folder {folder} cannot be used: {reason}. Choose another one.</source>
        <translation>Der Ergebnisordner {folder} ist nicht nutzbar: {reason}. Einen anderen wählen.</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>Preview after {seconds:.1f} s</source>
        <translation>Vorschau nach {seconds:.1f} s</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>{size:.4g} map units</source>
        <translation>{size:.4g} Karteneinheiten</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>geoseg computes on {device}</source>
        <translation>geoseg rechnet auf {device}</translation>
    </message>
    <message>
        <location filename="../panel_run.py"/>
        <source>computed with pixels of {size}: zoom in to see what the run will give</source>
        <translation>berechnet mit Pixeln von {size}: hineinzoomen zeigt, was der Lauf ergibt</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>The model needs {count} bands ({needs}), the raster has {have} ({names}).</source>
        <translation>Das Modell braucht {count} Bänder ({needs}), das Raster hat {have} ({names}).</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Add a model folder</source>
        <translation>Modellordner hinzufügen</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Raster</source>
        <translation>Raster</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Fix</source>
        <translation>Beheben</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Render to a file…</source>
        <translation>In Datei rendern…</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Folder of a model</source>
        <translation>Ordner eines Modells</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Checking whether they fit…</source>
        <translation>Prüfe, ob sie zusammenpassen…</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>In the unit assumed now, the values do not look like those that the model was trained on.</source>
        <translation>In der jetzt angenommenen Einheit gleichen die Werte nicht denen, mit denen das Modell trainiert wurde.</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>The model needs the bands {needs}. The raster does not name {missing}: choose them below.</source>
        <translation>Das Modell braucht die Bänder {needs}. Das Raster nennt {missing} nicht: unten wählen.</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>The model was trained on reflectance, which digital numbers become by a gain and an offset: write those of the scene's metadata into Scale and Offset below, or convert the scene to reflectance first. Without them only a model of your own can be used, trained on this raster (New classes…).</source>
        <translation>Das Modell wurde mit Reflektanz trainiert, zu der digitale Werte durch Verstärkung und Versatz werden: Tragen Sie die Werte aus den Metadaten der Szene unten bei Skalierung und Versatz ein, oder rechnen Sie die Szene zuerst in Reflektanz um. Ohne sie kann nur ein eigenes, auf diesem Raster trainiertes Modell verwendet werden (Neue Klassen…).</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source> (default)</source>
        <translation> (Standard)</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>No installed model works with these bands alone. Add bands from other layers below, add a model folder (…), or name classes of your own, draw examples and train a model on them.</source>
        <translation>Kein installiertes Modell kommt mit diesen Bändern aus. Unten Bänder aus anderen Layern hinzunehmen, einen Modellordner hinzufügen (…) oder eigene Klassen benennen, Beispiele zeichnen und damit ein Modell trainieren.</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>the first run, or a preview, measures how long it takes</source>
        <translation>wie lange es dauert, misst der erste Lauf oder eine Vorschau</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>The unit of the values is not checked: the model does not say how its own are distributed.</source>
        <translation>Die Einheit der Werte ist nicht geprüft: das Modell sagt nicht, wie seine eigenen verteilt sind.</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Choose a raster and a model.</source>
        <translation>Ein Raster und ein Modell wählen.</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>They fit: {count} bands, {size:.1f} Mpx</source>
        <translation>Passt: {count} Bänder, {size:.1f} Mpx</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>{size:.1f} GB of memory</source>
        <translation>{size:.1f} GB Speicher</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>Use model {name}</source>
        <translation>Modell {name} verwenden</translation>
    </message>
    <message>
        <location filename="../panel_scene.py"/>
        <source>about {seconds:.0f} s</source>
        <translation>etwa {seconds:.0f} s</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Select a class, draw it in three places or more, and save the edits.</source>
        <translation>Wählen Sie eine Klasse, zeichnen Sie sie an drei Stellen oder mehr und speichern Sie die Änderungen.</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Sketch a model</source>
        <translation>Modell skizzieren</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Sketch</source>
        <translation>Skizzieren</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Save the edits of the labels, learn a model from them, and show its map of the visible part</source>
        <translation>Speichert die Änderungen der Labels, lernt daraus ein Modell und zeigt seine Karte des sichtbaren Teils</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Zoom to the place where a label would help most, one after the other</source>
        <translation>Zoomt nacheinander auf die Stellen, wo ein Label am meisten hilft</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Click objects</source>
        <translation>Objekte anklicken</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Click on an object of the selected class: a click model such as SAM outlines it in the labels</source>
        <translation>Auf ein Objekt der gewählten Klasse klicken: Ein Klickmodell wie SAM zeichnet seinen Umriss in die Labels</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>The click model that outlines</source>
        <translation>Das Klickmodell, das umreißt</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Sketch when edits are saved</source>
        <translation>Beim Speichern skizzieren</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Outlining</source>
        <translation>Umreißen</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Name classes, draw some places of each, and see a map of the visible part within seconds.</source>
        <translation>Benennen Sie Klassen, zeichnen Sie einige Stellen von jeder und sehen Sie nach Sekunden eine Karte des sichtbaren Teils.</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>There are unsaved edits: save them, or press Sketch.</source>
        <translation>Es gibt ungespeicherte Änderungen: Speichern Sie sie, oder drücken Sie „Skizzieren“.</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Shown {seconds:.1f} s after saving. Run maps the whole raster.</source>
        <translation>{seconds:.1f} s nach dem Speichern gezeigt. „Ausführen“ kartiert das ganze Raster.</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>The labels were removed from the project: choose others, or make new classes.</source>
        <translation>Die Labels wurden aus dem Projekt entfernt: Wählen Sie andere, oder legen Sie neue Klassen an.</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Click on an object of the selected class. Shift adds to it, Ctrl takes away.</source>
        <translation>Auf ein Objekt der gewählten Klasse klicken. Umschalttaste fügt hinzu, Strg nimmt weg.</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>; newer drawings wait</source>
        <translation>; neuere Zeichnungen warten</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>{count} drawings have no class and are left out.</source>
        <translation>{count} Zeichnungen haben keine Klasse und bleiben außer Betracht.</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>The edits cannot be saved: {reason}</source>
        <translation>Die Änderungen können nicht gespeichert werden: {reason}</translation>
    </message>
    <message>
        <location filename="../panel_sketch.py"/>
        <source>Sketch after {seconds:.1f} s</source>
        <translation>Skizze nach {seconds:.1f} s</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>{band}: {low:.2g} to {high:.2g}, half of it below {middle:.2g}</source>
        <translation>{band}: {low:.2g} bis {high:.2g}, die Hälfte unter {middle:.2g}</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>As in the file</source>
        <translation>Wie in der Datei</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Reflectance 0…1</source>
        <translation>Reflektanz 0…1</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Reflectance in percent</source>
        <translation>Reflektanz in Prozent</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Reflectance as 0…255</source>
        <translation>Reflektanz als 0…255</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Reflectance × 10,000</source>
        <translation>Reflektanz × 10.000</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Reflectance × 65,535</source>
        <translation>Reflektanz × 65.535</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Sentinel-2 since 2022</source>
        <translation>Sentinel-2 seit 2022</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Unit of the values; choose another one to change it:</source>
        <translation>Einheit der Werte; zum Ändern eine andere wählen:</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source> (as assumed now)</source>
        <translation> (jetzt angenommen)</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>The values are stored in another unit than assumed. Which picture looks natural?</source>
        <translation>Die Werte sind in einer anderen Einheit gespeichert als angenommen. Welches Bild sieht natürlich aus?</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>It cannot be told in which unit the values are stored. Which picture looks natural?</source>
        <translation>Es lässt sich nicht sagen, in welcher Einheit die Werte gespeichert sind. Welches Bild sieht natürlich aus?</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>gain and offset are needed</source>
        <translation>Verstärkung und Versatz nötig</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Black border (value {value}) = no data</source>
        <translation>Schwarzer Rand (Wert {value}) = Nodata</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Border of value {value} = no data</source>
        <translation>Rand mit Wert {value} = Nodata</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Border of one colour = no data</source>
        <translation>Einfarbiger Rand = Nodata</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>; {share:.0f} % of the raster</source>
        <translation>; {share:.0f} % des Rasters</translation>
    </message>
    <message>
        <location filename="../panel_units.py"/>
        <source>Digital numbers of the sensor</source>
        <translation>Digitale Werte des Sensors</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Starting geoseg (loading PyTorch)</source>
        <translation>geoseg wird gestartet (PyTorch wird geladen)</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Loading scene and model</source>
        <translation>Szene und Modell werden geladen</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Measuring the fastest settings, once for this model</source>
        <translation>Schnellste Einstellungen messen, einmal je Modell</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Segmenting</source>
        <translation>Segmentieren</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Writing the class map</source>
        <translation>Klassenkarte schreiben</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Making polygons</source>
        <translation>Polygone bilden</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Comparing</source>
        <translation>Vergleichen</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Drawing points</source>
        <translation>Punkte ziehen</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Training</source>
        <translation>Trainieren</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Searching the best settings</source>
        <translation>Beste Einstellungen suchen</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Reading what was drawn</source>
        <translation>Gezeichnetes wird gelesen</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>Learning</source>
        <translation>Es wird gelernt</translation>
    </message>
    <message>
        <location filename="../phases.py"/>
        <source>{time} left</source>
        <translation>noch {time}</translation>
    </message>
    <message>
        <location filename="../plugin.py"/>
        <source>GeoSeg panel</source>
        <translation>GeoSeg-Bedienfeld</translation>
    </message>
    <message>
        <location filename="../plugin.py"/>
        <source>Accuracy and areas…</source>
        <translation>Genauigkeit und Flächen…</translation>
    </message>
    <message>
        <location filename="../plugin.py"/>
        <source>Detect changes…</source>
        <translation>Änderungen erkennen…</translation>
    </message>
    <message>
        <location filename="../plugin.py"/>
        <source>Environment…</source>
        <translation>Umgebung…</translation>
    </message>
    <message>
        <location filename="../plugin.py"/>
        <source>Help</source>
        <translation>Hilfe</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>Render to a file</source>
        <translation>In Datei rendern</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>GeoTIFF (*.tif)</source>
        <translation>GeoTIFF (*.tif)</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>{width:,} × {height:,} pixels are too many: choose a smaller area or larger pixels.</source>
        <translation>{width:,} × {height:,} Pixel sind zu viele: einen kleineren Bereich oder größere Pixel wählen.</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>{width:,} × {height:,} pixels, at most {size:,.1f} MB</source>
        <translation>{width:,} × {height:,} Pixel, höchstens {size:,.1f} MB</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>That is a lot: many providers forbid bulk downloads. Choose a smaller area or larger pixels.</source>
        <translation>Das ist viel: viele Anbieter verbieten Massenabrufe. Einen kleineren Bereich oder größere Pixel wählen.</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>The layer states no terms of use: make sure that the provider allows copies and their analysis.</source>
        <translation>Der Layer nennt keine Nutzungsbedingungen: sicherstellen, dass der Anbieter Kopien und deren Auswertung erlaubt.</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>About {count:,} tiles are fetched from {host}.</source>
        <translation>Etwa {count:,} Kacheln werden von {host} geholt.</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>this computer</source>
        <translation>diesem Rechner</translation>
    </message>
    <message>
        <location filename="../render_dialog.py"/>
        <source>Terms of the provider: {terms}</source>
        <translation>Bedingungen des Anbieters: {terms}</translation>
    </message>
    <message>
        <location filename="../rendered.py"/>
        <source>Give a file name that ends in .tif.</source>
        <translation>Einen Dateinamen angeben, der auf .tif endet.</translation>
    </message>
    <message>
        <location filename="../rendered.py"/>
        <source>The folder {folder} cannot be written.</source>
        <translation>In den Ordner {folder} kann nicht geschrieben werden.</translation>
    </message>
    <message>
        <location filename="../rendered.py"/>
        <source>The map cannot be written (error {code}).</source>
        <translation>Die Karte kann nicht geschrieben werden (Fehler {code}).</translation>
    </message>
    <message>
        <location filename="../report.py"/>
        <source>Scene</source>
        <translation>Szene</translation>
    </message>
    <message>
        <location filename="../report.py"/>
        <source>Files</source>
        <translation>Dateien</translation>
    </message>
    <message>
        <location filename="../report.py"/>
        <source>Windows</source>
        <translation>Fenster</translation>
    </message>
    <message>
        <location filename="../report.py"/>
        <source>Time</source>
        <translation>Zeit</translation>
    </message>
    <message>
        <location filename="../report.py"/>
        <location filename="../results.py"/>
        <source>Classes</source>
        <translation>Klassen</translation>
    </message>
    <message>
        <location filename="../results.py"/>
        <source>GeoSeg {scene}</source>
        <translation>GeoSeg {scene}</translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Name classes and draw examples of them on this raster</source>
        <translation>Klassen benennen und auf diesem Raster Beispiele davon zeichnen</translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Draw the class that is selected in the table</source>
        <translation>Die in der Tabelle gewählte Klasse zeichnen</translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Choose a layer of labels, or make new classes first.</source>
        <translation>Wählen Sie zuerst einen Layer mit Labels, oder legen Sie neue Klassen an.</translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>What is drawn has no class: choose one for each drawing.</source>
        <translation>Das Gezeichnete hat keine Klasse: Wählen Sie für jede Zeichnung eine.</translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Nothing is drawn yet: draw some places of each class.</source>
        <translation>Es ist noch nichts gezeichnet: Zeichnen Sie einige Stellen jeder Klasse.</translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Labels of {raster}</source>
        <translation>Labels von {raster}</translation>
    </message>
    <message>
        <location filename="../sketch_labels.py"/>
        <source>Only “{name}” is drawn: draw something of another class, too.</source>
        <translation>Nur „{name}“ ist gezeichnet: Zeichnen Sie auch etwas von einer anderen Klasse.</translation>
    </message>
    <message>
        <location filename="../sketch_loop.py"/>
        <source>Comparing other ways to learn; draw on meanwhile</source>
        <translation>Andere Arten zu lernen werden verglichen; zeichnen Sie ruhig weiter</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Not judged: each class was drawn in one place only. Draw each in two places or more.</source>
        <translation>Nicht beurteilt: Jede Klasse wurde nur an einer Stelle gezeichnet. Zeichnen Sie jede an zwei Stellen oder mehr.</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>{share:.0f} % of the held-out pixels are right ({places} places).</source>
        <translation>{share:.0f} % der zurückgehaltenen Pixel sind richtig ({places} Stellen).</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>{share:.0f} % ± {spread:.0f} of the held-out pixels are right ({places} places).</source>
        <translation>{share:.0f} % ± {spread:.0f} der zurückgehaltenen Pixel sind richtig ({places} Stellen).</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Measured on drawings that were left out of learning. Expect less of the whole map: it has borders and mixed pixels.</source>
        <translation>Gemessen an Zeichnungen, von denen nicht gelernt wurde. Erwarten Sie von der ganzen Karte weniger: Sie hat Grenzen und gemischte Pixel.</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Select the class that you draw next</source>
        <translation>Wählen Sie die Klasse, die Sie als Nächstes zeichnen</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Number and area of the drawings of the class</source>
        <translation>Anzahl und Fläche der Zeichnungen der Klasse</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Share of the pixels of held-out drawings that the model gets right</source>
        <translation>Anteil der Pixel zurückgehaltener Zeichnungen, die das Modell richtig einordnet</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>not judged</source>
        <translation>unbeurteilt</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Drawn</source>
        <translation>Gezeichnet</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Right</source>
        <translation>Richtig</translation>
    </message>
    <message>
        <location filename="../sketch_table.py"/>
        <source>Not judged, drawn in one place only: {names}.</source>
        <translation>Nicht beurteilt, nur an einer Stelle gezeichnet: {names}.</translation>
    </message>
</context>
</TS>
