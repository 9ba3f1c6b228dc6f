"""The laws that every kind obeys, importable by third-party kinds. Tests; never part of a run.

A kind brings one ``KindFixture``; ``laws.LAWS`` are then checked over real HTTP against the sandbox:

    @pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
    @given(data=st.data())
    def test_my_kind_obeys(law, world, tmp_path_factory, data):
        with bench_of(FIXTURE, world, tmp_path_factory.mktemp("bench")) as bench:
            law(FIXTURE, bench, data.draw)

It needs hypothesis, and a sandbox that knows the vendor.
"""
