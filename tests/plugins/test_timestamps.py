import numpy as np
import pytest

from corecbench_plugins.datasets.timestamps import TimeError, parse_times


def test_integers_stay_int64_to_the_last_digit():
    times = parse_times(["9007199254740993", "-5"])
    assert times.dtype == np.int64
    assert times.tolist() == [9007199254740993, -5]


def test_other_numbers_are_float64():
    times = parse_times(["881250949", "881250949.123"])
    assert times.dtype == np.float64
    assert times.tolist() == [881250949.0, 881250949.123]


def test_a_second_apart_stays_apart_where_float32_would_not_tell():
    texts = ["2026-11-25T09:00:00", "2026-11-25T09:00:01"]
    assert np.diff(parse_times(texts)).tolist() != [0]
    assert np.float32(1764061200) == np.float32(1764061201)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2015-03-01", "2015-03-01T00:00:01"),
        ("2015-03-01T12:00:00+02:00", "2015-03-01T11:00:00Z"),
        ("2015-03-01 10:00:00", "2015-03-01 10:00:00.000001"),
        ("1499-12-31", "2999-12-31"),
        ("20150301T100000", "20150302T090000"),
    ],
)
def test_dates_are_in_order(earlier, later):
    times = parse_times([earlier, later])
    assert times.dtype == np.int64
    assert times[0] < times[1]


def test_a_date_without_a_zone_is_in_utc():
    times = parse_times(["2015-03-01T10:00:00", "2015-03-01T12:00:00+02:00", "2015-03-01T10:00:00Z"])
    assert len(set(times.tolist())) == 1


@pytest.mark.parametrize(
    ("texts", "row", "fault"),
    [
        (
            ["yesterday", "1"],
            0,
            "'yesterday' is neither a number nor an ISO 8601 date such as 2015-03-01T12:00:00Z",
        ),
        (["", "1"], 0, "'' is neither a number nor an ISO 8601 date such as 2015-03-01T12:00:00Z"),
        (["2015-03-01", "2015-13-01"], 1, "'2015-13-01' is no ISO 8601 date such as 2015-03-01T12:00:00Z"),
        (["2015-03-01", "1425168000"], 1, "'1425168000' is no ISO 8601 date such as 2015-03-01T12:00:00Z"),
        (["2015-03-01", "now"], 1, "'now' is no ISO 8601 date such as 2015-03-01T12:00:00Z"),
        (["1", "2015-03-01"], 1, "'2015-03-01' is not a number that int64 or float64 can hold"),
        (["1", "nan"], 1, "'nan' is not a number that int64 or float64 can hold"),
        (["9007199254740993", "0.5"], 0, "'9007199254740993' is not a number that int64 or float64 can hold"),
        (["1425168000123456789", "0.5"], 0, "'1425168000123456789' is not a number that int64 or float64 can hold"),
        (
            ["0.5", "1.123456789012345678"],
            1,
            "'1.123456789012345678' is not a number that int64 or float64 can hold",
        ),
        (
            ["1425168000", "1425168000000"],
            1,
            "1425168000000 is in milliseconds, 1425168000 in seconds; one unit is needed",
        ),
        (
            ["2015-03-01", "2015-03-01T00:00:00.000000000001"],
            1,
            "'2015-03-01T0....000000000001' is finer than nanoseconds",
        ),
    ],
)
def test_what_is_no_time_is_named_with_its_row(texts, row, fault):
    with pytest.raises(TimeError) as error:
        parse_times(texts)
    assert (error.value.row, str(error.value)) == (row, fault)
