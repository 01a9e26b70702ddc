import numpy as np
import pytest

from corecbench.api import DataError
from corecbench.data.dataset import load_dataset
from corecbench_plugins.datasets.csv_file import open_csv
from corecbench_plugins.datasets.settings import Csv

RATINGS = "userId,movieId,rating,when\n01,x,5,30\n01,y,3,10\n1,x,1,20\n01,z,4,10\n"
MOVIES = 'movieId,name\nx,"Usual Suspects, The"\ny,\nz,Tom &amp; "Jerry"\nw,Never seen\n'
SKIP = "; --set csv.bad_rows=skip leaves it out"
COLUMNS = {"user": "userId", "item": "movieId", "timestamp": "when"}


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write files into an empty folder: `write(ratings=..., movies=...)` makes ratings.csv and movies.csv."""
    monkeypatch.chdir(tmp_path)

    def files(**contents):
        for name, content in contents.items():
            data = content if isinstance(content, bytes) else content.encode()
            (tmp_path / f"{name}.csv").write_bytes(data)

    return files


def read(**settings):
    source = open_csv(Csv(**{"path": "ratings.csv", **COLUMNS, **settings}))
    return source.interactions(), source.items()


def fault(**settings):
    with pytest.raises(DataError) as error:
        read(**settings)
    return str(error.value)


# --- good files ---------------------------------------------------------------------------------------------------


def test_columns_of_any_name_are_read_in_file_order_and_ids_are_text(write):
    write(ratings=RATINGS)
    interactions, _ = read()
    assert interactions.to_dict("list") == {
        "user_id": ["01", "01", "1", "01"],
        "item_id": ["x", "y", "x", "z"],
        "timestamp": [30, 10, 20, 10],
    }
    assert interactions["timestamp"].dtype == np.int64


def test_titles_come_from_a_file_of_their_own(write):
    write(ratings=RATINGS, movies=MOVIES)
    _, items = read(items="movies.csv", title="name")
    titles = ["Usual Suspects, The", "", 'Tom & "Jerry"', "Never seen"]
    assert items.to_dict("list") == {"item_id": ["x", "y", "z", "w"], "title": titles, "name": titles}


def test_texts_of_users_are_the_first_that_are_not_empty_of_a_column_that_is_named(write):
    write(ratings="user_id,item_id,timestamp,about\na,x,1,\na,y,2,likes &amp; reads\nb,x,3,\na,z,4,other\n")
    source = open_csv(Csv("ratings.csv", user_text="about"))
    assert source.users().to_dict("list") == {"user_id": ["a"], "text": ["likes & reads"]}
    assert load_dataset("toy", source).catalog.user_texts == ("", "likes & reads", "")
    assert load_dataset("toy", open_csv(Csv("ratings.csv"))).catalog.user_texts == ()
    with pytest.raises(DataError, match="column profile: missing"):
        open_csv(Csv("ratings.csv", user_text="profile")).users()


def test_the_ids_in_the_file_of_titles_may_be_called_otherwise(write):
    write(ratings=RATINGS, movies=MOVIES.replace("movieId", "id"))
    _, items = read(items="movies.csv", title="name", items_id="id")
    assert items["item_id"].tolist() == ["x", "y", "z", "w"]


def test_of_titles_among_the_interactions_the_first_that_is_not_empty_counts(write):
    write(ratings="user_id,item_id,timestamp,title\na,x,1,\na,y,2,Why\na,x,3,Ex\nb,x,4,Other\n")
    _, items = read(user="user_id", item="item_id", timestamp="timestamp")
    assert items.to_dict("list") == {"item_id": ["x", "y"], "title": ["Ex", "Why"]}


def test_without_titles_no_item_has_a_text(write):
    write(ratings=RATINGS)
    _, items = read()
    assert items.to_dict("list") == {"item_id": [], "title": []}


def test_without_a_column_of_times_the_rows_are_in_order(write):
    write(ratings=RATINGS)
    interactions, _ = read(timestamp="")
    assert interactions["timestamp"].tolist() == [0, 1, 2, 3]
    assert interactions["timestamp"].dtype == np.int64


def test_dates_are_times(write):
    write(ratings="userId,movieId,when\na,x,2020-01-02\na,y,2020-01-01T10:00\na,z,2020-01-01T09:00Z\n")
    interactions, _ = read()
    assert interactions["timestamp"].argsort().tolist() == [2, 1, 0]


@pytest.mark.parametrize(
    ("separator", "setting"),
    [(";", ";"), ("\t", "tab"), ("\t", "\t"), ("|", "|")],
    ids=["semicolon", "tab", "t", "bar"],
)
def test_another_separator_is_a_setting(write, separator, setting):
    write(ratings=RATINGS.replace(",", separator))
    assert len(read(separator=setting)[0]) == 4


def test_a_tsv_file_has_tabs(write, tmp_path):
    (tmp_path / "ratings.tsv").write_text(RATINGS.replace(",", "\t"))
    assert len(read(path="ratings.tsv")[0]) == 4


def test_what_editors_do_to_a_file_is_accepted(write, editor_change):
    write(ratings=RATINGS)
    plain = read()[0]
    write(ratings=editor_change(RATINGS.encode()))
    assert read()[0].equals(plain)


def test_a_file_is_found_from_home(write, tmp_path, monkeypatch):
    write(ratings=RATINGS)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir("/")
    assert len(read(path="~/ratings.csv")[0]) == 4


# --- bad files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ratings", "message"),
    [
        (b"", "ratings.csv: 0 rows; a header and at least one row are needed"),
        ("userId,movieId,when\n", "ratings.csv: 1 rows; a header and at least one row are needed"),
        (
            RATINGS.replace("userId", "user"),
            "ratings.csv: column userId: missing; have: user, movieId, rating, when; maybe: --set csv.user=user "
            "--set csv.item=movieId --set csv.timestamp=when",
        ),
        (
            RATINGS.replace("rating", "when"),
            "ratings.csv:1: column when: twice in the header, a name is allowed once",
        ),
        (RATINGS + "2,x,1\n", "ratings.csv:6: 3 fields, the header has 4 (separator ',')" + SKIP),
        (RATINGS + "2,x,1,9,\n", "ratings.csv:6: 5 fields, the header has 4 (separator ',')" + SKIP),
        (RATINGS + ",x,1,9\n", "ratings.csv:6: column userId: empty, an id is needed" + SKIP),
        (RATINGS + "2,,1,9\n", "ratings.csv:6: column movieId: empty, an id is needed" + SKIP),
        (
            RATINGS + '2,"two\nlines",1,9\n2,x,1,soon\n',
            "ratings.csv:8: column when: 'soon' is not a number that int64 or float64 can hold" + SKIP,
        ),
        (RATINGS.encode() + b"2,caf\xe9,1,9\n", "ratings.csv:6: byte 0xe9 is not UTF-8; convert the file to UTF-8"),
        (
            RATINGS + '2,"x,1,9\n3,y,1,9\n',
            "ratings.csv:6: unexpected end of data (in a row that begins in this line)",
        ),
    ],
)
def test_a_bad_file_is_named_with_line_and_column(write, ratings, message):
    write(ratings=ratings)
    assert fault() == message


@pytest.mark.parametrize(
    ("movies", "message"),
    [
        (
            MOVIES + "x,Again\n",
            "movies.csv:6: column movieId: 'x' is in movies.csv:2 already, an item is allowed once",
        ),
        (MOVIES.replace("name", "names"), "movies.csv: column name: missing; have: movieId, names"),
        (MOVIES + ",None\n", "movies.csv:6: column movieId: empty, an id is needed" + SKIP),
    ],
)
def test_a_bad_file_of_titles_is_named_with_line_and_column(write, movies, message):
    write(ratings=RATINGS, movies=movies)
    assert fault(items="movies.csv", title="name") == message


def test_a_title_column_that_was_asked_for_must_be_there(write):
    write(ratings=RATINGS)
    assert fault(title="name") == "ratings.csv: column name: missing; have: userId, movieId, rating, when"


def test_a_file_that_is_not_there_is_named(write):
    assert fault() == "ratings.csv: cannot be read: No such file or directory"


def test_a_separator_of_several_characters_is_refused():
    with pytest.raises(ValueError, match=r"separator is '::', must be one character or 'tab'"):
        Csv("ratings.csv", separator="::")


# --- bad rows, ratings and ids ------------------------------------------------------------------------------------

BAD = RATINGS + ",x,1,9\n2,y,1,soon\n2,x,1\n2,z,1,40\n"
CAUSES = (
    "1 of column userId: empty, an id is needed (line 6); 1 of column when: is not a number that int64 or float64 "
    "can hold (line 7: 'soon'); 1 of 3 fields, the header has 4 (separator ',') (line 8)"
)


def test_all_bad_rows_are_named_by_their_lines(write):
    write(ratings=BAD)
    assert fault() == (
        f"ratings.csv:8: 3 fields, the header has 4 (separator ','); 3 rows are bad: {CAUSES}; "
        "--set csv.bad_rows=skip leaves them out"
    )


@pytest.mark.parametrize("quote", ["", '"'])
def test_bad_rows_are_skipped_counted_and_named(write, quote):
    write(ratings=BAD.replace("2,y", f"2,{quote}y{quote}"))
    source = open_csv(Csv(**{"path": "ratings.csv", **COLUMNS, "bad_rows": "skip"}))
    assert source.interactions().to_dict("list") == {
        "user_id": ["01", "01", "1", "01", "2"],
        "item_id": ["x", "y", "x", "z", "z"],
        "timestamp": [30, 10, 20, 10, 40],
    }
    assert source.notes == [f"ratings.csv: 3 bad rows are left out: {CAUSES}"]


def test_bad_titles_are_skipped(write):
    write(ratings=RATINGS, movies=MOVIES + ",None\nv,a,b\n")
    source = open_csv(
        Csv(**{"path": "ratings.csv", **COLUMNS, "items": "movies.csv", "title": "name", "bad_rows": "skip"})
    )
    assert source.items()["item_id"].tolist() == ["x", "y", "z", "w"]
    assert source.notes == [
        "movies.csv: 2 bad rows are left out: 1 of column movieId: empty, an id is needed (line 6); 1 of 3 fields, "
        "the header has 2 (separator ',') (line 7)"
    ]


def test_lower_ratings_are_left_out(write):
    write(ratings=RATINGS)
    source = open_csv(Csv(**{"path": "ratings.csv", **COLUMNS, "min_rating": 4}))
    assert source.interactions()["item_id"].tolist() == ["x", "z"]
    assert source.notes == ["ratings.csv: 2 ratings below 4 are left out"]


def test_a_rating_that_is_no_number_is_named_and_skipped(write):
    write(ratings=RATINGS.replace("y,3", "y,good"))
    message = "ratings.csv:3: column rating: 'good' is not a number that int64 or float64 can hold"
    assert fault(min_rating=4) == message + SKIP
    source = open_csv(Csv("ratings.csv", **COLUMNS, min_rating=4, bad_rows="skip"))
    assert source.interactions()["item_id"].tolist() == ["x", "z"]
    assert source.notes == [
        "ratings.csv: 1 bad rows are left out: 1 of column rating: is not a number that int64 or float64 can hold "
        "(line 3: 'good')",
        "ratings.csv: 1 ratings below 4 are left out",
    ]


def test_rows_that_are_bad_by_time_and_by_rating_are_named_together(write):
    write(ratings=RATINGS.replace("y,3", "y,good").replace(",20\n", ",\n"))
    found = fault(min_rating=4)
    assert "2 rows are bad: 1 of column rating: " in found
    assert "1 of column when: empty (line 4)" in found


def test_a_row_that_is_left_out_gives_no_title_and_no_text(write):
    write(ratings="user_id,item_id,timestamp,title,about\na,x,soon,Shifted,older\na,x,1,Ex,old\nb,y,soon,Why,new\n")
    source = open_csv(Csv("ratings.csv", bad_rows="skip", user_text="about"))
    assert source.items().to_dict("list") == {"item_id": ["x"], "title": ["Ex"]}
    assert source.users().to_dict("list") == {"user_id": ["a"], "text": ["old"]}


def test_what_separates_the_columns_is_guessed(write):
    write(ratings=RATINGS.replace(",", ";"))
    assert fault().endswith("have: userId;movieId;rating;when; maybe: --set csv.separator=';'")


ALIKE = ["7", "7 ", "7\u00a0", "\u200b7", "7.0", "caf\u00e9", "cafe\u0301", "8"]


def test_ids_that_are_written_in_several_ways_are_counted_and_made_one(write):
    write(ratings="user,item,when\n" + "".join(f"{user},{item},1\n" for user in ALIKE for item in "xyz"))
    columns = {"path": "ratings.csv", "user": "user", "item": "item", "timestamp": "when"}
    (note,) = load_dataset("shop", open_csv(Csv(**columns))).notes
    assert note == (
        "7 user ids of shop differ from another one in blanks, hidden characters, Unicode form or '.0' only, such "
        "as '7' and '7 '; --set csv.normalise_ids=true makes them one"
    )
    made = load_dataset("shop", open_csv(Csv(**columns, normalise_ids=True)))
    assert (made.catalog.user_ids, made.notes) == (("", "7", "caf\u00e9", "8"), [])


def test_an_id_of_nothing_but_blanks_is_empty_once_ids_are_normalised(write):
    write(ratings=RATINGS + " ,x,1,9\n")
    assert fault(normalise_ids=True) == "ratings.csv:6: column userId: empty, an id is needed" + SKIP


# --- the export of a shop -----------------------------------------------------------------------------------------

DATES = ["2013-12-30", "12/31/2013", "2014-01-01", "1/2/2014", "2014-01-03", "1/14/2014", "", "1/15/2014"]


def shop(dates=DATES, ratings=None, between=","):
    given = ratings or ["5"] * len(dates)
    rows = [
        f'u{row % 2},i{row},"{rating}",{date}' for row, (date, rating) in enumerate(zip(dates, given, strict=True))
    ]
    return "\n".join(["userId,movieId,rating,when", *rows]).replace(",", between) + "\n"


def test_causes_of_bad_rows_have_counts_an_example_and_the_setting_that_mends_them(write):
    write(ratings=shop())
    source = open_csv(Csv("ratings.csv", **COLUMNS, bad_rows="skip"))
    assert len(source.interactions()) == 3
    assert source.notes == [
        "ratings.csv: 5 bad rows are left out: 4 of column when: is no ISO 8601 date such as 2015-03-01T12:00:00Z "
        "(line 3, line 5, line 7, ...: '12/31/2013'; --set csv.date_format=%m/%d/%Y reads them); 1 of column when: "
        "empty (line 8)"
    ]


def test_a_format_reads_the_dates_that_are_not_iso(write):
    write(ratings=shop())
    source = open_csv(Csv("ratings.csv", **COLUMNS, bad_rows="skip", date_format="%m/%d/%Y"))
    assert source.interactions()["timestamp"].is_monotonic_increasing
    assert source.notes == [
        "ratings.csv: 1 bad rows are left out: 1 of column when: empty (line 8)",
    ]


def test_dates_that_look_like_numbers_are_dates_under_a_format(write):
    write(ratings=shop(["20140102", "20131231"]))
    read_as, _ = read(date_format="%Y%m%d")
    assert int(np.diff(read_as["timestamp"])[0]) < -(10**6)  # two days, in any unit


def test_where_days_and_months_cannot_be_told_apart_both_settings_are_named(write):
    write(ratings=shop(["1.2.2014", "3.4.2014"]))
    assert "; --set csv.date_format=%d.%m.%Y reads them)" in fault()
    write(ratings=shop(["1/2/2014", "3/4/2014"]))
    assert "--set csv.date_format=%m/%d/%Y or --set csv.date_format=%d/%m/%Y reads them)" in fault()


@pytest.mark.parametrize("given", ["%", "%d/%m", "%Q"])
def test_what_is_no_format_of_dates_is_refused(given):
    with pytest.raises(ValueError, match=r"^date_format is '.*', must be such as %m/%d/%Y: "):
        Csv("ratings.csv", date_format=given)


def test_ratings_may_be_texts_that_begin_with_a_number(write):
    write(ratings=shop(DATES[:1] * 6, ["5 stars", "1 star", "4/5", "3.5 out of 5", "2 ★", " 4 "]))
    source = open_csv(Csv("ratings.csv", **COLUMNS, min_rating=3.5))
    assert source.interactions()["item_id"].tolist() == ["i0", "i2", "i3", "i5"]


def test_decimal_commas_are_named_with_their_setting_and_read_under_it(write):
    write(ratings=shop(DATES[:1] * 3, ["4,5", "3,5", "5"]))
    assert "(line 2, line 3: '4,5'; --set csv.decimal=, reads them)" in fault(min_rating=4)
    source = open_csv(Csv("ratings.csv", **COLUMNS, min_rating=4, decimal=","))
    assert source.interactions()["item_id"].tolist() == ["i0", "i2"]


def test_an_index_and_ids_that_may_be_missing_values_are_named(write):
    write(ratings=",userId,movieId,when\n0,NA,x,1\n1,NA,y,2\n2,b,None,3\n")
    source = open_csv(Csv("ratings.csv", **COLUMNS))
    assert source.interactions()["user_id"].tolist() == ["NA", "NA", "b"]
    assert source.notes == [
        "ratings.csv: a column has no name, as the index of a data frame has; it is not read",
        "ratings.csv: 2 rows have the id 'NA' in column userId, which may be none",
        "ratings.csv: 1 rows have the id 'None' in column movieId, which may be none",
    ]
    assert "have: (no name), userId, movieId, when" in fault(user="who")
