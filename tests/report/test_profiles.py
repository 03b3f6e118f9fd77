"""Profiles leave out what is for others; who hands in stands at the top, letter for letter, or
nowhere.
"""

import shutil

import nbformat
import pytest

from lmreport.core import author, profiles
from lmreport.core.errors import ReportError
from lmreport.render import project as projects
from lmreport.reporting import rubric
from rendering import OPTIONS, Page, own, project, quarto, text

GROUP = OPTIONS + "profile: {default: 272b, group: [[272b, 157b]]}\n"
BODY = """# One {#sec-one}

Always[, see @sec-grad]{.content-visible when-profile="272b"}.

:::::::::: {.content-visible when-profile="272b"}

{{< include _grad.qmd >}}

::::::::::

# Last {#sec-last}

```{python}
import os
print(os.environ["QUARTO_PROFILE"])
```
"""
GRAD = "# Grad {#sec-grad}\n\nAs @vaswani2017 says.\n\n```{python}\nopen('ran', 'w').close()\n```\n"


def test_names_of_profiles_are_read_as_they_are_written(tmp_path):
    written = tmp_path / "_quarto.yml"
    written.write_text("profile: {default: 0157, group: [[0157, on]]}\n")
    assert profiles.known(profiles.of_project(tmp_path)) == ["0157", "on"]
    written.write_text("project: {type: default}\nsubtitle: Homework: 3\n")
    with pytest.raises(ReportError, match="^_quarto.yml:2: not valid YAML.* in quotes") as told:
        profiles.of_project(tmp_path)
    assert "\n" not in str(told.value)


def made(folder):
    project(folder, BODY, options=GROUP, grad=GRAD)
    for name in ("157b", "272b"):
        (folder / f"_quarto-{name}.yml").write_text(f"subtitle: For {name}\n")
    return folder


def facts(folder):
    page = Page(folder / "index.html")
    return page.facts(), text(page.tree)


@pytest.mark.parametrize("profile, shows", [("157b", False), (None, True), ("272b", True)])
def test_a_profile_leaves_out_a_section_its_references_and_its_sources(tmp_path, profile, shows):
    folder = made(tmp_path)
    found, words = facts(own(folder, profile=profile))
    headings = " ".join(found["headings"])
    assert (
        ("Grad" in headings) == shows
        and ("3 Last" in headings) == shows
        and ("2 Last" in headings) != shows
    )
    assert (
        bool(found["references"]) == shows and bool(found["entries"]) == shows and "?@" not in words
    )
    assert (folder / "report" / "ran").exists() == shows
    assert f"For {profile or '272b'}" in words and (profile or "272b") in found["outputs"]
    notebook = nbformat.read(folder / "_report/report/index.ipynb", 4)
    assert ("Grad" in "".join(c.source for c in notebook.cells)) == shows


def test_another_profile_renders_again_and_leaves_nothing_of_the_first(tmp_path):
    folder = made(tmp_path)
    assert "Grad" in facts(own(folder))[1]
    assert "Grad" not in facts(own(folder, profile="157b"))[1]
    assert "Grad" in facts(own(folder, profile="272b"))[1]


@pytest.mark.skipif(not shutil.which("quarto"), reason="quarto is not on PATH")
@pytest.mark.parametrize("profile", ["157b", "272b"])
def test_genuine_quarto_shows_the_same(tmp_path, profile):
    folder = made(tmp_path)
    theirs = facts(quarto(folder, "--profile", profile, "--to", "html"))[0]
    ours = facts(own(folder, ("html",), profile=profile))[0]
    theirs["headings"] = [
        h for h in theirs["headings"] if h != "References"
    ]  # Quarto adds it where there is none
    assert [theirs[k] for k in ("headings", "references", "outputs")] == [
        ours[k] for k in ("headings", "references", "outputs")
    ]


@pytest.mark.parametrize(
    "profile, said", [("graduate", "known are 157b, 272b"), ("157b,272b", "exclude each other")]
)
def test_an_unknown_profile_and_two_of_a_group_are_one_clear_error(tmp_path, profile, said):
    with pytest.raises(ReportError, match=said):
        projects.read(made(tmp_path), ("html",), profile)


def test_the_message_of_an_unknown_profile_says_how_to_make_it(tmp_path):
    (tmp_path / "_quarto.yml").write_text("project: {output-dir: _out}\n")
    shown = '::: {.content-visible when-profile="solutions"}\nSolved.\n:::\n'
    (tmp_path / "exerc.qmd").write_text(f"---\ntitle: Exercise\n---\n\n{shown}")
    with pytest.raises(ReportError, match="write that file, which may be empty"):
        projects.read(tmp_path, ("html",), "solutions")
    (tmp_path / "_quarto-solutions.yml").write_text("")
    for profile, there in (("solutions", True), (None, False)):
        own(tmp_path, ("html",), profile=profile)
        assert ("Solved." in (tmp_path / "_out/exerc.html").read_text()) is there


def test_points_are_those_of_the_profile(monkeypatch):
    monkeypatch.setenv("QUARTO_PROFILE", "157b")
    assert (
        rubric.total() == 41
        and "7a" not in rubric.table().data
        and "All items of 157B" in rubric.table().data
    )
    monkeypatch.delenv("QUARTO_PROFILE")
    assert rubric.total() == 52 and "(#sec-7e)" in rubric.table().data


NAME = 'Ada *L_ovelace* `x` $a$ @b [c](d) <e> "f" -- 3...4 {{< meta title >}}'


def test_a_name_is_shown_letter_for_letter_and_nothing_where_none_is_given(tmp_path, monkeypatch):
    for name in author.NAMES:
        monkeypatch.delenv(f"LMREPORT_{name.upper()}", raising=False)
    cell = "```{python}\n#| echo: false\nfrom lmreport.display import author\nauthor.shown()\n```\n"
    folder = project(tmp_path, f"{cell}\nBody.")
    empty = text(Page(own(folder, ("html",)) / "index.html").tree)
    assert not any(label in empty for label in author.LABELS.values())
    monkeypatch.setenv("LMREPORT_NAME", NAME)
    monkeypatch.setenv("LMREPORT_PERM", "1234567")
    words = text(
        Page(own(folder, ("html",)) / "index.html").tree
    )  # a name alone makes the page stale
    assert f"Name: {NAME}" in words and "Perm number: 1234567" in words and "E-mail" not in words
    kept = (folder / "_report/report/.render.json").read_text()
    assert "Ada" not in kept and "1234567" not in kept


def test_the_settings_file_may_name_the_person_and_the_environment_wins(tmp_path, monkeypatch):
    from lmreport.core import settings

    (tmp_path / "_quarto.yml").write_text("")
    (tmp_path / "lmreport.toml").write_text('name = "Ada"\nperm = 1234567\nepochs = 4\n')
    monkeypatch.setenv("LMREPORT_NAME", "Grace")
    assert (author.load(tmp_path).name, author.load(tmp_path).perm) == ("Grace", "1234567")
    assert settings.load(tmp_path).epochs == 4 and not set(author.NAMES) & set(
        vars(settings.load(tmp_path))
    )
