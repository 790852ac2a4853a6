# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Each Python file can have the copyright notice, in one form and in one place."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pack import notices

TEXTS = [
    ('"""What it does."""\n', f'{notices.NOTICE}\n"""What it does."""\n'),
    ("\n\nx = 1\n", f"{notices.NOTICE}\nx = 1\n"),
    ("#!/usr/bin/env python3\nx = 1\n", f"#!/usr/bin/env python3\n{notices.NOTICE}\nx = 1\n"),
    ("#!/usr/bin/env python3\n\nx = 1\n", f"#!/usr/bin/env python3\n{notices.NOTICE}\nx = 1\n"),
    ("#!/usr/bin/env python3", f"#!/usr/bin/env python3\n{notices.NOTICE}"),
    ("# Why it is so.\nx = 1\n", f"{notices.NOTICE}\n# Why it is so.\nx = 1\n"),
    ("", ""),
    ("\n", "\n"),
]


@pytest.mark.parametrize(("text", "noticed"), TEXTS)
def test_a_missing_notice_is_added_before_everything_but_the_interpreter(
    text: str, noticed: str
) -> None:
    assert notices.with_notice(text) == noticed


@pytest.mark.parametrize("text", [text for text, _ in TEXTS])
def test_a_notice_is_added_once(text: str) -> None:
    noticed = notices.with_notice(text)

    assert notices.with_notice(noticed) == noticed


def test_the_notice_of_another_year_stays() -> None:
    text = notices.NOTICE.replace("2026", "2031") + "\nx = 1\n"

    assert notices.with_notice(text) == text


def test_a_copyright_of_somebody_else_is_not_the_notice() -> None:
    text = "# Copyright 2026 Somebody\nx = 1\n"

    assert notices.with_notice(text) == f"{notices.NOTICE}\n{text}"


def test_the_documentation_names_the_same_holder() -> None:
    conf = (notices.ROOT / "docs" / "conf.py").read_text()

    assert f'author = "{notices.HOLDER}"' in conf


def test_files_are_changed_where_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("src/plan", "tests", "lib/charms"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "new.py").write_text("x = 1\n")
    (tmp_path / "tests" / "done.py").write_text(f"{notices.NOTICE}\nx = 1\n")
    (tmp_path / "tests" / "__init__.py").touch()

    assert notices.main(tmp_path) == 0

    assert capsys.readouterr().out.split() == ["src/plan/new.py", "tests/new.py"]
    assert (tmp_path / "src/plan/new.py").read_text() == f"{notices.NOTICE}\nx = 1\n"
    assert (tmp_path / "lib/charms/new.py").read_text() == "x = 1\n"


def test_the_noticed_source_does_the_same(tmp_path: Path) -> None:
    path = tmp_path / "run.py"
    source = (
        '#!/usr/bin/env python3\n"""Doc."""\nfrom __future__ import annotations\nprint(__doc__)\n'
    )
    path.write_text(notices.with_notice(source))

    done = subprocess.run([sys.executable, path], capture_output=True, text=True, check=True)

    assert done.stdout == "Doc.\n"
