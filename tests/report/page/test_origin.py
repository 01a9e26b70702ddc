from corecbench.report.page.origin import cells, environment, settings


def records(bench):
    return [record for _, record in bench.entries]


def sheets(blocks):
    return {sheet.title: dict(sheet.rows) for block in blocks for sheet in block.sheets}


def test_every_setting_of_a_component_is_shown_and_where_it_differs(bench):
    plugins = {"sasrec": {"distribution": "corecbench", "version": "1.2"}}
    for dataset, epochs in (("toy", 3), ("other", 4)):
        bench.add(
            "sasrec",
            dataset=dataset,
            domain_ranks=[1] * 6,
            settings={"sasrec": {"epochs": epochs, "tied": True, "layers": [1, 2], "path": None}},
            plugins=plugins,
        )
    assert sheets(settings(records(bench))) == {
        "sasrec": {
            "plugin": "corecbench 1.2",
            "epochs": "3 (toy) and 4 (other)",
            "tied": "yes",
            "layers": "1, 2",
            "path": "-",
        }
    }


def test_settings_of_pairs_stand_beside_those_of_the_model_alone(bench):
    for dataset in ("toy", "other"):
        bench.add("sasrec", dataset=dataset, domain_ranks=[1] * 6, settings={"sasrec": {"width": 64}})
    bench.add(
        "sasrec",
        "llama",
        sharing="bdlm",
        domain_ranks=[1] * 6,
        llm_ranks=[1] * 6,
        settings={"sasrec": {"width": 128}},
        in_pairs={"sasrec": ["width"]},
    )
    assert sheets(settings(records(bench)))["sasrec"] == {
        "width": "64",
        "width, in pairs": "128 (toy) and as alone (other)",
    }


def test_settings_of_a_sharing_module_are_those_with_each_model(bench):
    for model, rounds in (("sasrec", 2), ("gru4rec", 3)):
        own = {"bdlm": {"rounds": rounds, "texts": True}}
        bench.add(model, "llama", sharing="bdlm", domain_ranks=[1] * 6, llm_ranks=[1] * 6, settings=own)
    assert sheets(settings(records(bench)))["bdlm"] == {
        "rounds": "2 (toy with sasrec) and 3 (toy with gru4rec)",
        "texts": "yes",
    }


def test_a_variant_names_its_component(bench):
    plugins = {"wide": {"distribution": "d", "version": "1", "variant_of": "sasrec"}}
    bench.add("wide", domain_ranks=[1] * 6, settings={"wide": {"epochs": 3}}, plugins=plugins)
    assert sheets(settings(records(bench)))["wide"]["variant of"] == "sasrec"


def test_data_protocol_versions_and_machine_have_a_sheet(bench):
    data = {"fingerprint": "f", "split_fingerprint": "s", "n_users": 1234, "sparsity": 0.5, "else": 1}
    bench.add("sasrec", domain_ranks=[1] * 6, data=data, versions={"torch": "2.6"}, commit="0123456789")
    bench.add("gru4rec", domain_ranks=[1] * 6, data=data, versions={"torch": "2.7"}, device="cuda")
    bench.add_failed(domain="lightgcn", data=data, versions={"torch": "2.8"}, device="tpu")
    found = sheets(environment(records(bench)))
    assert found["toy"] == {
        "users": "1,234",
        "sparsity": "50.000%",
        "fingerprint": "f",
        "fingerprint of the split": "s",
        "else": "1",
    }
    assert found["protocol"]["split"] == "leave-one-out"
    assert found["versions"] == {"torch": "2.6 (sasrec) and 2.7 (gru4rec)"}
    assert found["machine"]["device"] == "cpu (sasrec) and cuda (gru4rec)"


def test_every_cell_is_listed_with_its_error(bench):
    bench.add("sasrec", domain_ranks=[1] * 6, peak_memory_bytes=2**30, machine="EPYC, 1 thread")
    assert len(cells(records(bench)).heads) == 11
    bench.add_failed("no\nluck", domain="gru4rec", seed=3)
    found = cells(records(bench))
    assert [[field.markup for field in row][1:4] for row in found.rows] == [
        ["sasrec", "0", "ok"],
        ["gru4rec", "3", "failed"],
    ]
    assert found.rows[0][7].markup == "1.00"
    assert found.rows[0][9].markup == "EPYC, 1 thread"
    assert found.rows[1][-1].markup == "RuntimeError: no luck"
