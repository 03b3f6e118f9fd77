"""What each exported file says about itself, the same in every format."""

from __future__ import annotations

import json
from xml.sax.saxutils import escape

from lmreport.publish.citation_metadata import Work
from lmreport.publish.export.contents import Item


def about(item: Item, work: Work, sha256: str) -> dict[str, str]:
    """Name → text: who, what, from which runs, under which licence; `sha256` is that of the content
    without this.
    """
    said = {
        "label": item.label,
        "title": item.caption,
        "description": item.alt or f"{item.number}: {item.caption}",
        "source": f"{work.title}, version {work.version}, {item.page}#{item.anchor}",
        "creator": "; ".join(work.authors),
        "runs": ", ".join(item.runs),
        "experiments": ", ".join(item.experiments),
        "function": item.function,
        "data": work.data,
        "licence": work.licence,
        "sha256": sha256,
    }
    return {name: " ".join(text.split()) for name, text in said.items() if text}


def rdf(said: dict[str, str], licence_url: str) -> str:
    """Dublin Core and Creative Commons' words for SVG's `<metadata>`."""
    sources = [said[name] for name in ("runs", "experiments", "function", "data") if name in said]
    lines = [
        f"<dc:title>{escape(said['title'])}</dc:title>",
        f"<dc:description>{escape(said['description'])}</dc:description>",
        f"<dc:identifier>{escape(said['label'])}</dc:identifier>",
        f"<dc:identifier>sha256:{said['sha256']}</dc:identifier>",
        "<dc:format>image/svg+xml</dc:format>",
        '<dc:type rdf:resource="http://purl.org/dc/dcmitype/StillImage"/>',
        *([f"<dc:creator>{escape(said['creator'])}</dc:creator>"] if "creator" in said else []),
        f"<dc:relation>{escape(said['source'])}</dc:relation>",
        *(f"<dc:source>{escape(source)}</dc:source>" for source in sources),
        *(
            [
                f"<dc:rights>{escape(said['licence'])}</dc:rights>",
                f'<cc:license rdf:resource="{escape(licence_url)}"/>',
            ]
            if "licence" in said
            else []
        ),
    ]
    inside = "\n    ".join(lines)
    return (
        ' <metadata>\n  <rdf:RDF xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:cc="http://creativecommons.org/ns#"'
        ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n   <cc:Work rdf:about="">\n    '
        f"{inside}\n   </cc:Work>\n  </rdf:RDF>\n </metadata>\n"
    )


def csvw(said: dict[str, str], columns: list[str], name: str, licence_url: str) -> str:
    """The description of a CSV file in the words of W3C's "CSV on the Web"."""
    words = {
        "label": "dc:identifier",
        "title": "dc:title",
        "description": "dc:description",
        "source": "dc:isPartOf",
        "creator": "dc:creator",
        "runs": "dc:source",
        "experiments": "dc:source",
        "function": "dc:provenance",
        "data": "dc:source",
        "licence": "dc:rights",
        "sha256": "schema:sha256",
    }
    terms: dict = {}
    for key, text in said.items():
        terms[words[key]] = f"{terms[words[key]]}, {text}" if words[key] in terms else text
    description = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "url": name,
        **terms,
        **({"dc:license": {"@id": licence_url}} if "licence" in said else {}),
        "tableSchema": {"columns": [{"titles": c or "_"} for c in columns]},
    }
    return json.dumps(description, indent=1, ensure_ascii=False) + "\n"


def comment(said: dict[str, str], mark: str) -> str:
    """The same as comment lines of LaTeX (mark %) or typst (//), or as one HTML comment (<!--) in
    Markdown.
    """
    lines = [f"{name}: {text}" for name, text in said.items()]
    if mark == "<!--":
        return "<!--\n" + "\n".join(lines).replace("--", "- -") + "\n-->\n\n"
    return "".join(f"{mark} {line}\n" for line in lines)
