"""Modules that are joined are the same program: run by Node they export what they would one by one."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from app.pages.assets import FOLDER, SCRIPTS, STYLES, load_assets
from app.pages.modules import LEFT_BY_SCRIPTS, join_modules

MODULES = {
    "a/main.js": 'import { twice, other as own } from "../b/part.js";\nimport make from "../c/default.mjs";\n'
    'import script from "../vendor/topojson-client.min.js";\nimport { far } from "../far.js";\n'
    "export const result = [twice(4), own, make(), typeof script.feature, far];\n"
    'export async function load() { return import("../far.js"); }\n'
    'export const address = new URL("../data.json", import.meta.url).pathname;\n',
    "b/part.js": 'import { base } from "./base.js";\nconst hidden = 2;\n'
    "export function twice(n) { return n * hidden; }\nconst other = base + 1;\nexport { other };\n",
    "b/base.js": "const hidden = 40;\nexport const base = hidden;\n//# sourceMappingURL=base.js.map\n",
    "c/default.mjs": 'var n=1;export default function(){return"made"}',
    "far.js": 'export const far = "far";\n',
    "vendor/topojson-client.min.js": (FOLDER / "vendor/topojson-client.min.js").read_text(encoding="utf-8"),
}


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_joined_modules_do_what_they_do_one_by_one(tmp_path: Path) -> None:
    addresses = {"far.js": "far-1.mjs", "data.json": "data-2.json"}
    joined = join_modules("a/main.js", MODULES, addresses)
    (tmp_path / "main.mjs").write_text(joined.text, encoding="utf-8")
    (tmp_path / "far-1.mjs").write_text(join_modules("far.js", MODULES, {}).text, encoding="utf-8")
    (tmp_path / "try.mjs").write_text(
        'import { result, load, address } from "./main.mjs";\n'
        "console.log(JSON.stringify([result, (await load()).far, address]));\n",
        encoding="utf-8",
    )
    done = subprocess.run(["node", tmp_path / "try.mjs"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[8, 41, "made", "function", "far"], "far", f"{tmp_path}/data-2.json"]
    assert list(joined.exports) == ["result", "load", "address"]
    assert "sourceMappingURL" not in joined.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('import * as all from "./b.js";', "not read"),
        ("export * from './b.js';", "not read"),
        ("export let changes = 1;", "not read"),
        ('import { a } from "./missing.js";', "no module missing.js"),
        ('import { a } from "./a.js";', "imports itself"),
        ('import { a, b } from "./b.js";', "imports a, which b.js does not export"),
        ('import a from "./b.js";', "imports default, which b.js does not export"),
        ('const later = import("./b.js");', "not sent by itself"),
        ('const where = new URL("./b.css", import.meta.url);', "not sent by itself"),
    ],
)
def test_what_cannot_be_joined_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        join_modules("a.js", {"a.js": text, "b.js": "export const b = 1;"}, {})


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
@pytest.mark.parametrize("path", SCRIPTS)
def test_every_script_that_is_sent_is_a_module(path: str, tmp_path: Path) -> None:
    assets = load_assets()
    file = tmp_path / "sent.mjs"
    file.write_bytes(assets.by_name[assets.names[path]].body)
    done = subprocess.run(["node", "--check", file], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_every_file_of_the_pages_is_sent_and_short() -> None:
    assets = load_assets()
    sent = "\n".join(asset.body.decode() for asset in assets.by_name.values())
    for path in FOLDER.rglob("*.*js"):
        name = "$" + re.sub(r"\W", "_", path.relative_to(FOLDER).as_posix())
        assert f"const {name} = " in sent, f"{path.name} is in no script"
    joined = {file for files in STYLES.values() for file in files}
    assert {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.css")} == joined
    own = [path for path in FOLDER.rglob("*.*") if path.suffix in (".js", ".css") and "vendor" not in path.parts]
    assert len(own) > 10
    assert {path.name for path in own if len(path.read_text(encoding="utf-8").splitlines()) > 400} == set()
    assert all((FOLDER / path).is_file() for path in LEFT_BY_SCRIPTS)
