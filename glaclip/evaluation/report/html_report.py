"""The files of a result: JSON, CSV, Markdown, LaTeX, and an HTML page that opens offline."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from string import Template

from glaclip.evaluation.report.document import Document
from glaclip.evaluation.report.tables import (
    classes_csv,
    document_html,
    latex,
    markdown,
    scores_csv,
    tables_of,
)
from glaclip.evaluation.report.worst import WorstPhoto

_PAGE = Template("""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>$title</title>
<style>
:root { color-scheme: light dark; --ink: #181b21; --paper: #fff; --muted: #5c626e; --rule: #d9dce2;
  --zebra: #f5f6f8; }
@media (prefers-color-scheme: dark) { :root { --ink: #edeff3; --paper: #16181d; --muted: #a3a9b5;
  --rule: #3a3e47; --zebra: #1d2026; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 1120px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 24px; margin: 0 0 4px; } h2 { font-size: 19px; margin: 40px 0 8px; }
h3 { font-size: 15px; margin: 24px 0 6px; }
.note { color: var(--muted); margin: 2px 0; max-width: 85ch; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 24px 0 8px; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: 6px; white-space: nowrap; }
th, td { padding: 4px 12px; text-align: right; border-bottom: 1px solid var(--rule);
  white-space: nowrap; }
th[scope=row], thead th:first-child { text-align: left; font-weight: 400; padding-left: 4px; }
thead th { color: var(--muted); font-weight: 500; }
tbody tr:nth-child(even) { background: var(--zebra); }
.photos { display: grid; grid-template-columns: repeat(auto-fit, minmax(160px, 1fr)); gap: 8px; }
figure { margin: 0; } img { width: 100%; border-radius: 6px; display: block; }
figcaption { color: var(--muted); font-size: 13px; }
.chip { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin: 0 5px 0 12px;
  vertical-align: -1px; } .chips { margin: 6px 0 0 -12px; font-size: 13px; }
summary { cursor: pointer; margin-top: 20px; color: var(--muted); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 0; }
dt { color: var(--muted); } dd { margin: 0; overflow-wrap: anywhere; }
</style>
<h1>$title</h1><p class="note">$made</p>
$tables
$worst
<h2>Settings and versions</h2>$settings
</html>
""")


def report_files(
    document: Document, worst: Mapping[str, Sequence[WorstPhoto]] | None = None
) -> dict[str, str]:
    """File name -> text.

    Args:
        document: of one run, or of a table of the paper.
        worst: pictures by the runs' keys.
    """
    tables = tables_of(document)
    return {
        "scores.json": json.dumps(document, indent=2, ensure_ascii=False) + "\n",
        "scores.csv": scores_csv(document),
        "classes.csv": classes_csv(document),
        "scores.md": "\n".join(map(markdown, tables)),
        "scores.tex": "\n".join(map(latex, tables)),
        "report.html": report_page(document, worst or {}),
    }


def report_page(document: Document, worst: Mapping[str, Sequence[WorstPhoto]]) -> str:
    """The page; pictures are inside it, and nothing is fetched."""
    runs = document.get("runs", [document])
    title = f"{document['table']} of the paper" if "table" in document else document["dataset"]
    sections = [_worst_section(run, worst.get(run["run"], ())) for run in runs]
    return _PAGE.substitute(
        title=escape(f"{title}: scores"),
        made=escape(f"Made on {document['made']} by glaclip evaluate."),
        tables=document_html(document),
        worst="".join(sections),
        settings="".join(map(_settings, runs)),
    )


def _worst_section(run: Document, photos: Sequence[WorstPhoto]) -> str:
    if not run["worst"]:
        return ""
    drawn = {photo.stem: photo for photo in photos}
    by = run["methods"][-1]["title"]
    parts = [
        f"<h2>Worst photos of {escape(run['dataset'])}</h2>"
        f"<p class='note'>Lowest mIoU by {escape(by)}, over the classes in the photo's truth.</p>"
    ]
    parts += [_worst_photo(entry, drawn[entry["photo"]]) for entry in run["worst"]
              if entry["photo"] in drawn]  # fmt: skip
    rest = [entry for entry in run["worst"] if entry["photo"] not in drawn]
    if rest:
        lines = (f"<dt>{escape(entry['photo'])}</dt><dd>{_mious(entry)}</dd>" for entry in rest)
        parts.append(f"<dl>{''.join(lines)}</dl>")
    return "".join(parts)


def _mious(entry: Document) -> str:
    values = entry["miou"].items()
    return escape(", ".join(f"{name} {100 * v:.1f}" for name, v in values if v is not None))


def _worst_photo(entry: Document, photo: WorstPhoto) -> str:
    figures = "".join(
        f"<figure><img src='{address}' alt='{escape(caption)} of {escape(photo.stem)}'>"
        f"<figcaption>{escape(caption)}</figcaption></figure>"
        for caption, address in photo.pictures
    )
    chips = "".join(
        f"<span class='chip' style='background:{color}'></span>{escape(name)}"
        for name, color in photo.classes
    )
    return (
        f"<h3>{escape(photo.stem)}: mIoU {_mious(entry)}</h3><div class='photos'>{figures}</div>"
        f"<p class='chips'>{chips}</p>"
    )


def _settings(run: Document) -> str:
    windows, given_up = run["windows"], run.get("area_threshold", 0.0)
    area = f", area threshold {given_up:g}" if given_up else ""
    rows = [
        ("Set", f"{run['dataset']}, {run['photos']} of {run['photos_in_set']} photos"),
        ("Words", f"{run['words']}, background threshold {run['background_threshold']:g}{area}"),
        ("Backbone", f"{run['backbone']['title']}, {run['backbone']['fingerprint'][:16]}"),
        ("Windows", ", ".join(f"{name} {value}" for name, value in windows.items())),
        ("Versions", ", ".join(f"{name} {value}" for name, value in run["versions"].items())),
    ]
    for method in run["methods"]:
        constants = method["attention"] or {"baseline": method["baseline"]}
        if method["key_source"]:
            constants = {**constants, "keys": method["key_source"]}
        text = ", ".join(f"{name} {value}" for name, value in constants.items())
        rows.append((method["name"], text))
    rows += [(f"Left out: {skip['stem']}", skip["reason"]) for skip in run["skipped"]]
    lines = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in rows)
    return f"<h3>{escape(run['dataset'])}</h3><dl>{lines}</dl>"
