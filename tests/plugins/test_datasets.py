import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from corecbench.api import DataError, resolve
from corecbench_plugins.datasets import corecbench_datasets
from corecbench_plugins.datasets.atomic_folder import AtomicFolder, open_folder
from corecbench_plugins.datasets.settings import Folder

INTER = b"user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
ROWS = b"01\tx\t5\t30\n01\ty\t3\t10\n1\tx\t1\t20\n01\tz\t4\t10\n"
ITEM = b"item_id:token\ttitle:token_seq\n"
TITLES = b"x\tThe X\ny\t\nz\t\xc3\x80 la Z\n"


@pytest.fixture
def toy(tmp_path):
    """Make the folder "toy" with toy.inter and toy.item; None leaves a file out."""

    def make(inter: bytes | None = INTER + ROWS, item: bytes | None = ITEM + TITLES) -> Path:
        folder = tmp_path / "toy"
        folder.mkdir(exist_ok=True)
        for suffix, content in ((".inter", inter), (".item", item)):
            if content is not None:
                (folder / f"toy{suffix}").write_bytes(content)
        return folder

    return make


def read(folder: Path):
    source = AtomicFolder(folder)
    return source.interactions(), source.items()


def fault(folder: Path) -> str:
    """The message of the error that reading ends in, with the folder's path taken off."""
    with pytest.raises(DataError) as error:
        read(folder)
    assert "\n" not in str(error.value)
    return str(error.value).replace(str(folder), "toy")


# --- listing ----------------------------------------------------------------------------------------------------


def test_listing_loads_no_pandas():
    code = "import sys, corecbench_plugins.datasets as d; d.corecbench_datasets(); print('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_every_component_is_built_from_its_config(toy):
    components = {component.name: component for component in corecbench_datasets()}
    assert set(components) == {
        *("ml-100k", "ml-1m", "amazon-beauty", "amazon-beauty-timed", "amazon-games", "amazon-toys-games"),
        *("folder", "csv", "parquet", "hub"),
    }
    assert components["folder"].argument == "path"
    folder = resolve(components["folder"].build)(Folder(path=str(toy())))
    assert len(folder.interactions()) == 4
    assert len(resolve(components["ml-100k"].build)(None).items()) == 1682


# --- good files -------------------------------------------------------------------------------------------------


def test_rows_come_in_file_order_and_ids_are_text(toy):
    interactions, _ = read(toy())
    assert list(interactions.columns) == ["user_id", "item_id", "timestamp"]
    assert interactions["user_id"].tolist() == ["01", "01", "1", "01"]
    assert interactions["item_id"].tolist() == ["x", "y", "x", "z"]
    assert interactions["timestamp"].tolist() == [30, 10, 20, 10]


def test_titles_are_text_and_a_missing_one_is_empty(toy):
    _, items = read(toy())
    assert items.to_dict("list") == {"item_id": ["x", "y", "z"], "title": ["The X", "", "À la Z"]}


def test_words_that_mean_missing_elsewhere_are_text_here(toy):
    item = ITEM + b'NA\tnull\nnan\tNone\nNULL\t"Quote, "twice\n'
    interactions, items = read(toy(INTER + b"NA\tNA\t1\t1\nNA\tnan\t1\t2\nNA\tNULL\t1\t3\n", item))
    assert interactions["user_id"].tolist() == ["NA"] * 3
    assert interactions["item_id"].tolist() == ["NA", "nan", "NULL"]
    assert items["title"].tolist() == ["null", "None", '"Quote, "twice']


def test_blanks_around_a_title_go_and_those_of_ids_stay(toy):
    item = ITEM + b"x\t  The X \n x\t \n"
    _, items = read(toy(INTER + b"1\tx\t1\t1\n1\t x\t1\t2\n1\tx\t1\t3\n", item))
    assert items.to_dict("list") == {"item_id": ["x", " x"], "title": ["The X", ""]}


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("Tom &amp; Jerry", "Tom & Jerry"),
        ("OPI &quot;Red&quot;&reg;", 'OPI "Red"®'),
        ("Caf&eacute; cr&#232;me &#xe0; la Z", "Café crème à la Z"),
        ("Salt &amp;amp; Pepper", "Salt & Pepper"),
        ("&nbsp;Soap&nbsp;Bar ", "Soap Bar"),
        ("two&#10;lines&#9;here", "two lines here"),
        ("Q&A, AT&T; Black&reg Tea &notit; &unknown;", "Q&A, AT&T; Black&reg Tea &notit; &unknown;"),
    ],
)
def test_html_entities_in_titles_are_decoded(toy, written, read_as):
    _, items = read(toy(item=ITEM + f"x\t{written}\ny\t&amp;\nz\tZ\n".encode()))
    assert items["title"].tolist() == [read_as, "&", "Z"]


def test_an_entity_in_an_id_is_left(toy):
    interactions, items = read(toy(INTER + b"1\t&amp;\t1\t1\n" * 3, ITEM + b"&amp;\tX\n"))
    assert interactions["item_id"].tolist() == ["&amp;"] * 3
    assert items["item_id"].tolist() == ["&amp;"]


@pytest.mark.parametrize(
    "header", [b"item_id:token\tmovie_title:token_seq\n", b"item_id:token\ttitle:token\n"], ids=["alias", "token"]
)
def test_the_title_may_be_called_movie_title_or_be_one_token(toy, header):
    _, items = read(toy(item=header + TITLES))
    assert items["title"].tolist() == ["The X", "", "À la Z"]


def test_of_title_and_movie_title_the_title_is_taken(toy):
    _, items = read(toy(item=b"movie_title:token\ttitle:token\titem_id:token\nA\tB\tx\nC\tD\ty\nE\tF\tz\n"))
    others = {"movie_title": ["A", "C", "E"]}
    assert items.to_dict("list") == {"item_id": ["x", "y", "z"], "title": ["B", "D", "F"], **others}


def test_without_an_item_file_no_item_has_a_text(toy):
    interactions, items = read(toy(item=None))
    assert len(interactions) == 4
    assert items.to_dict("list") == {"item_id": [], "title": []}


def test_what_editors_do_to_a_file_is_accepted(toy, editor_change):
    plain = [table.to_dict("list") for table in read(toy())]
    changed = toy(editor_change(INTER + ROWS), editor_change(ITEM + TITLES))
    assert [table.to_dict("list") for table in read(changed)] == plain


def test_a_folder_with_other_names_is_read_if_it_has_one_file_of_each(toy):
    folder = toy()
    (folder / "toy.inter").rename(folder / "events.inter")
    (folder / "toy.item").rename(folder / "things.item")
    interactions, items = read(folder)
    assert (len(interactions), len(items)) == (4, 3)


def test_a_folder_is_found_from_inside_and_from_home(toy, monkeypatch):
    monkeypatch.chdir(toy())
    assert len(open_folder(Folder(".")).interactions()) == 4
    monkeypatch.setenv("HOME", str(Path.cwd().parent))
    assert len(open_folder(Folder("~/toy/")).interactions()) == 4


def test_items_can_be_changed_without_changing_the_source(toy):
    source = AtomicFolder(toy())
    items = source.items()
    items.loc[:, "title"] = "changed"
    assert source.items()["title"].tolist() == ["The X", "", "À la Z"]


# --- timestamps -------------------------------------------------------------------------------------------------


def timestamps(folder_of, *texts: str) -> np.ndarray:
    rows = "".join(f"1\tx\t1\t{text}\n" for text in texts)
    return AtomicFolder(folder_of(INTER + rows.encode())).interactions()["timestamp"].to_numpy()


def test_integers_are_int64_to_the_last_digit(toy):
    times = timestamps(toy, "9007199254740993", "-5", "9223372036854775807")
    assert times.dtype == np.int64
    assert times.tolist() == [9007199254740993, -5, 9223372036854775807]


def test_anything_else_is_float64(toy):
    times = timestamps(toy, "881250949", "8.8e8", "881250949.123")
    assert times.dtype == np.float64
    assert times.tolist() == [881250949.0, 880000000.0, 881250949.123]


@pytest.mark.parametrize(
    "text", ["", " ", "abc", "nan", "inf", "-Infinity", "1e999", "1_000", "1,5", "0x10", "--1", "1-", "e", "٣"]
)
@pytest.mark.parametrize("other", ["1", "1.5"])
def test_what_is_no_finite_number_is_named_with_its_line(toy, text, other):
    rows = f"1\tx\t1\t{other}\n1\ty\t1\t{text}\n1\tz\t1\tworse\n"
    assert fault(toy(INTER + rows.encode())) == (
        f"toy/toy.inter:3: column timestamp: {text!r} is not a number that int64 or float64 can hold"
    )


def test_an_integer_beyond_int64_is_not_rounded(toy):
    rows = b"1\tx\t1\t1\n1\ty\t1\t9223372036854775808\n1\tz\t1\t2\n"
    assert fault(toy(INTER + rows)) == (
        "toy/toy.inter:3: column timestamp: '9223372036854775808' is not a number that int64 or float64 can hold"
    )


# --- bad files --------------------------------------------------------------------------------------------------

NEEDED = "is needed to train, validate and test"
TYPES = "allowed: token, token_seq, float, float_seq; tabs separate columns"


@pytest.mark.parametrize(
    ("inter", "message"),
    [
        (b"", ": empty file, a header is needed, such as user_id:token"),
        (b"\n\r\n", ": empty file, a header is needed, such as user_id:token"),
        (INTER, ":1: a header and no rows, at least one row is needed"),
        (
            ROWS,
            ":1: column '01': no name and type; the first line gives each column as name:type, "
            "such as user_id:token",
        ),
        (INTER.replace(b":float\n", b":time\n") + ROWS, f":1: column timestamp: unknown type 'time'; {TYPES}"),
        (
            b"user_id:token,item_id:token\n1,2\n",
            f":1: column user_id: unknown type 'token,item_id:token'; {TYPES}",
        ),
        (
            INTER.replace(b"rating:", b"item_id:") + ROWS,
            ":1: column item_id: twice in the header, a name is allowed once",
        ),
        (
            INTER.replace(b"timestamp:", b"time:") + ROWS,
            ":1: column timestamp: missing, timestamp:float is needed; have: user_id, item_id, rating, time",
        ),
        (
            INTER.replace(b"item_id:token", b"item_id:token_seq") + ROWS,
            ":1: column item_id: type 'token_seq', item_id:token is needed",
        ),
        (INTER + ROWS + INTER + ROWS, ":6: the header again, it is allowed in line 1 only"),
        (INTER + ROWS + b"1\tx\t5\n", ":6: 3 columns, the header has 4 columns"),
        (INTER + b"1\tx\t5\t1\t9\n" + ROWS, ":2: 5 columns, the header has 4 columns"),
        (INTER + b"1\tx\t5\t1\n\n" + ROWS, ":3: an empty line, the header has 4 columns"),
        (INTER + ROWS + b"\tx\t5\t1\n", ":6: column user_id: empty, an id is needed"),
        (INTER + b"1\t\t5\t1\n" + ROWS, ":2: column item_id: empty, an id is needed"),
        (INTER + ROWS + b"2\tX\t5\t1\n2\tQ\t5\t1\n", ":6: column item_id: 'X' is not in toy.item"),
        (INTER + b"1\tcaf\xe9\t5\t1\n", ":2: column item_id: byte 0xe9 is not UTF-8; convert the file to UTF-8"),
        (
            (INTER + ROWS).decode().encode("utf-16"),
            ":1: byte 0xff is not UTF-8; convert the file to UTF-8",
        ),
        (
            INTER + ROWS + b"1\tx\r\t5\t1\n",
            ":6: column item_id: a carriage return inside the line; lines end in LF or CRLF",
        ),
        (
            (INTER + ROWS).replace(b"\n", b"\r"),
            ":1: a carriage return inside the line; lines end in LF or CRLF",
        ),
        (
            INTER + b"1\tx\t5\t1\0\n",
            ":2: column timestamp: a NUL character inside the line; lines end in LF or CRLF",
        ),
        (
            INTER + b"1\tx\t5\t1\n1\ty\t5\t2\n2\tx\t5\t1\n",
            f": column user_id: no user has 3 interactions (most: 2), at least one {NEEDED}",
        ),
    ],
)
def test_a_bad_inter_file_is_named_with_line_and_column(toy, inter, message):
    assert fault(toy(inter)) == f"toy/toy.inter{message}"


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (ITEM, ":1: a header and no rows, at least one row is needed"),
        (
            b"item_id:token\tname:token_seq\nx\tX\n",
            ":1: column title: missing, title:token_seq or title:token is needed (movie_title is allowed too); "
            "have: item_id, name",
        ),
        (
            b"item_id:token\tmovie_title:float\nx\tX\n",
            ":1: column movie_title: type 'float', movie_title:token_seq or movie_title:token is needed",
        ),
        (ITEM + TITLES + b"y\tWhy\n", ":5: column item_id: 'y' is in line 3 already, an item is allowed once"),
        (ITEM + TITLES + ITEM, ":5: the header again, it is allowed in line 1 only"),
        (ITEM + TITLES + b"\tWhy\n", ":5: column item_id: empty, an id is needed"),
        (ITEM + b"x\tAm\xe9lie\n", ":2: column title: byte 0xe9 is not UTF-8; convert the file to UTF-8"),
        (ITEM + b"x\tThe X\textra\n", ":2: 3 columns, the header has 2 columns"),
    ],
)
def test_a_bad_item_file_is_named_with_line_and_column(toy, item, message):
    assert fault(toy(item=item)) == f"toy/toy.item{message}"


def test_a_long_text_is_cut_in_the_message(toy):
    message = fault(toy(INTER + b"1\t" + b"q" * 1000 + b"\t1\t1\n"))
    assert message.startswith("toy/toy.inter:2: column item_id: 'qqq")
    assert len(message) < 100


def test_a_folder_that_is_not_there_is_named(tmp_path):
    assert fault(tmp_path / "toy") == "toy: no such folder; a folder with a NAME.inter file is needed"


def test_a_missing_inter_file_is_named(toy):
    assert fault(toy(inter=None)) == "toy: no toy.inter in this folder; an .inter file is needed"


def test_several_files_of_which_none_has_the_folder_s_name_are_named(toy):
    folder = toy(inter=None)
    for part in ("train", "test"):
        (folder / f"toy.{part}.inter").write_bytes(INTER + ROWS)
    assert fault(folder) == "toy: several .inter files and none is toy.inter; have: toy.test.inter, toy.train.inter"


def test_a_file_that_cannot_be_read_is_named(toy):
    folder = toy(inter=None)
    (folder / "toy.inter").mkdir()
    assert fault(folder) == "toy/toy.inter: cannot be read: Is a directory"
