"""The index follows the log, is rebuilt when damaged, and serves searches meanwhile."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import tantivy
from support.search_archive import SearchArchive, SearchStory, ask, ids

from app.changes.follower import catch_up
from app.db.log_position import LogPosition
from app.errors import IndexBehind
from app.search.indexing import documents, indexer
from app.search.indexing.indexer import Indexer
from app.search.query import analysis, stop_words
from app.search.tantivy.local_engine import TantivyEngine
from app.search.tantivy.reader import IndexDamaged
from app.search.tantivy.storage import index_folders
from app.search.tantivy.storage.index_forms import locate_form


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[SearchArchive]:
    archive = SearchArchive(tmp_path)
    yield archive
    archive.close()


def test_new_changed_and_withdrawn_articles_are_followed(archive: SearchArchive) -> None:
    archive.put(SearchStory(1, "Nato meets"), SearchStory(2, "Weather"))
    engine = archive.engine()
    assert ids(ask(engine, "nato")) == [1]
    archive.put(SearchStory(2, "Nato weather", version=2), SearchStory(3, "Nato again"))
    archive.index()
    assert sorted(ids(ask(engine, "nato"))) == [1, 2, 3]
    archive.withdraw(1)
    archive.index()
    results = ask(engine, "nato")
    assert sorted(ids(results)) == [2, 3]
    assert {hit.id: hit.version for hit in results.hits} == {2: 2, 3: 1}


def test_articles_of_every_language_are_in_the_index(archive: SearchArchive) -> None:
    languages = [*stop_words.STEMMERS, "cs", "pl", "uk", "he", "ja", "th", "zh-Hant", "sw", "xx-made-up", ""]
    archive.put(
        *(SearchStory(i, "Ústí nad Labem", "<p>3 łodzie, 港</p>", language=one) for i, one in enumerate(languages, 1))
    )
    assert len(ids(ask(archive.engine(), "labem", limit=100))) == len(languages)


def test_large_articles_are_taken_in_a_portion_at_a_time(
    archive: SearchArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "LARGE", 2_000)
    monkeypatch.setattr(documents, "PORTION", 5_000)
    commits: list[int] = []
    kept = indexer._commit

    def commit(writer: tantivy.IndexWriter, place: LogPosition) -> None:
        commits.append(place.seq)
        kept(writer, place)

    monkeypatch.setattr(indexer, "_commit", commit)
    long = "<p>" + "many words here " * 150 + "</p>"
    archive.put(SearchStory(1, "First"))
    engine = archive.engine()
    commits.clear()
    archive.put(
        SearchStory(2, "Small"), *(SearchStory(id, f"Nato {id}", long) for id in range(3, 8)), SearchStory(8, "Last")
    )
    archive.index()
    assert commits == [4, 6, 8]
    assert sorted(ids(ask(engine, "many"))) == [3, 4, 5, 6, 7]
    archive.withdraw(4)
    archive.index()
    assert sorted(ids(ask(engine, "many"))) == [3, 5, 6, 7]


def test_rebuilding_takes_large_articles_a_portion_at_a_time(
    archive: SearchArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "LARGE", 2_000)
    monkeypatch.setattr(documents, "PORTION", 5_000)
    long = "<p>" + "many words here " * 150 + "</p>"
    archive.put(SearchStory(1, "Small"), *(SearchStory(id, f"Nato {id}", long) for id in range(2, 8)))
    with archive.db.snapshot() as snapshot:
        items = list(documents.split_into_batches(snapshot, documents.load_ids(snapshot)))
    assert [portion.ids for portion in items] == [[1, 2, 3], [4, 5], [6, 7]]
    assert [portion.large > 4_000 for portion in items] == [True] * 3
    engine = archive.engine()
    assert len(ids(ask(engine, "many"))) == 6
    assert ids(ask(engine, "small")) == [1]


def test_every_word_of_a_long_text_is_in_the_index_once(
    archive: SearchArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analysis, "PIECE", 100)
    words = [f"{a}{b}rilo" for a in "bcdfghjklm" for b in "aeiou"]
    texts = (" ".join(words), "\n\n".join(f"{word}. Über uns" for word in words), "北京大学" * 200)
    bodies = [f"<p>{text}</p>" if "\n" not in text else text.replace("\n\n", "</p><p>") for text in texts]
    archive.put(*(SearchStory(id, f"Nato {id}", body) for id, body in enumerate(bodies, 1)))
    engine = archive.engine()
    for word in words:
        assert sorted(ids(ask(engine, word))) == [1, 2], word
    assert ids(ask(engine, "uber")) == [2]
    assert ids(ask(engine, f'"{words[0]} {words[1]} {words[2]}"')) == [1]
    assert ids(ask(engine, "北京大学")) == [3]


def test_the_place_moves_with_each_commit(archive: SearchArchive) -> None:
    archive.put(SearchStory(1))
    engine = archive.engine()
    first = engine.position()
    archive.put(SearchStory(2))
    archive.index()
    second = engine.position()
    assert first is not None
    assert second is not None
    assert (first.seq, second.seq, first.epoch) == (1, 2, second.epoch)
    assert ask(engine, "title").position == second


def test_applying_twice_changes_nothing(archive: SearchArchive) -> None:
    archive.put(SearchStory(1), SearchStory(2))
    engine = archive.engine()
    place = engine.position()
    assert place is not None
    with archive.indexer() as indexer, archive.db.snapshot() as snapshot:
        from app.changes import log

        indexer.apply(snapshot, log.read(snapshot, 0, 10), place)
    assert sorted(ids(ask(engine, "title"))) == [1, 2]


def test_drafts_alone_write_nothing_and_are_passed_over_once(archive: SearchArchive) -> None:
    archive.put(SearchStory(1, "Nato meets"))
    engine = archive.engine()
    place, scored = engine.position(), [hit.score for hit in ask(engine, "nato").hits]
    with archive.indexer() as indexer:
        for version in range(1, 6):
            archive.put(SearchStory(2, "Nato hides", status="draft", version=version))
            assert catch_up(archive.db, indexer) == 1
        assert (engine.position(), [hit.score for hit in ask(engine, "nato").hits]) == (place, scored)
        archive.put(SearchStory(2, "Nato shows", version=6))
        assert catch_up(archive.db, indexer) == 1
    assert sorted(ids(ask(engine, "nato"))) == [1, 2]


def test_no_index_yet_is_said(archive: SearchArchive) -> None:
    engine = TantivyEngine(archive.root)
    assert engine.position() is None
    with pytest.raises(IndexBehind):
        ask(engine, "title")
    archive.put(SearchStory(1))
    archive.index()
    assert ids(ask(engine, "title")) == [1]


def test_empty_archive_finds_nothing(archive: SearchArchive) -> None:
    engine = archive.engine()
    assert ask(engine, "title").total == 0
    assert engine.languages() == ()


def _damage(folder: Path, kind: str) -> None:
    if kind == "meta":
        (folder / "meta.json").write_text("{]")
    elif kind == "segment":
        for file in folder.glob("*.term"):
            file.unlink()
    elif kind == "cut":
        for file in folder.glob("*.idx"):
            start = file.read_bytes()[:10]
            file.unlink()  # in place, readers that have it mapped would be killed
            file.write_bytes(start)
    else:
        shutil.rmtree(folder)


@pytest.mark.parametrize("kind", ["meta", "segment", "cut", "folder"])
def test_damaged_index_is_built_anew_and_served_meanwhile(archive: SearchArchive, kind: str) -> None:
    archive.put(SearchStory(1, "Nato meets"))
    engine = archive.engine()
    assert ids(ask(engine, "nato")) == [1]
    folder = index_folders.find_current(archive.root)
    assert folder is not None
    _damage(folder, kind)
    assert ids(ask(engine, "nato")) == [1]
    archive.put(SearchStory(2, "Nato again"))
    archive.index()
    assert sorted(ids(ask(engine, "nato"))) == [1, 2]
    assert index_folders.find_current(archive.root) != folder
    assert list(locate_form(archive.root).glob("index-*")) == [index_folders.find_current(archive.root)]


def test_flip_reaches_readers_and_leaves_one_folder(archive: SearchArchive) -> None:
    archive.put(SearchStory(1, "Nato meets"))
    engine = archive.engine()
    with archive.indexer() as indexer, archive.db.snapshot() as snapshot:
        place = indexer.position()
        assert place is not None
        indexer.rebuild(snapshot, place)
        archive.put(SearchStory(2, "Nato again"))
        catch_up(archive.db, indexer)
    assert sorted(ids(ask(engine, "nato"))) == [1, 2]
    assert len(list(locate_form(archive.root).glob("index-*"))) == 1


def test_second_writer_is_refused_until_the_first_ends(archive: SearchArchive) -> None:
    first, second = Indexer(archive.root), Indexer(archive.root)
    assert first.acquire()
    assert first.acquire()
    assert not second.acquire()
    with archive.db.snapshot() as snapshot, pytest.raises(RuntimeError, match="acquire"):
        second.rebuild(snapshot, LogPosition(1, 0, 0))
    first.close()
    assert second.acquire()
    second.close()


def test_index_of_other_fields_is_not_trusted(archive: SearchArchive) -> None:
    archive.put(SearchStory(1))
    archive.index()
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("place", stored=True, tokenizer_name="raw")
    folder = index_folders.create_folder(archive.root)
    index = tantivy.Index(builder.build(), str(folder))
    writer = index.writer(15_000_000, 1)
    document = tantivy.Document()
    document.add_text("place", '["another",1,1,1]')
    writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
    index_folders.make_current(archive.root, folder)
    assert TantivyEngine(archive.root).position() is None
    assert ids(ask(archive.engine(), "title")) == [1]


def test_files_that_break_while_they_are_read_end_no_server(archive: SearchArchive) -> None:
    archive.put(*[SearchStory(i, f"Nato {i}", "words and more words " * 50) for i in range(1, 300)])
    archive.index()
    engine = TantivyEngine(archive.root)
    assert engine.position() is not None
    folder = index_folders.find_current(archive.root)
    assert folder is not None
    for file in folder.glob("*.idx"):
        with file.open("r+b") as open_file:  # in place: a mapped file that is cut short ends the process, not the read
            open_file.write(b"\xff" * file.stat().st_size)
    with pytest.raises(IndexBehind):
        ask(engine, "nato words more")


def test_commits_that_keep_failing_end_in_a_new_index(archive: SearchArchive) -> None:
    archive.put(SearchStory(1, "Nato meets"))
    with archive.indexer() as indexer:
        catch_up(archive.db, indexer)
        archive.put(SearchStory(2, "Nato again"))
        shutil.rmtree(Path(str(index_folders.find_current(archive.root))))
        for _ in range(4):
            with suppress(IndexDamaged):
                catch_up(archive.db, indexer)
    assert ask(TantivyEngine(archive.root), "nato").total == 2


def test_unreadable_index_is_looked_at_once_and_not_at_every_question(
    archive: SearchArchive, caplog: pytest.LogCaptureFixture
) -> None:
    archive.put(SearchStory(1))
    archive.index()
    _damage(Path(str(index_folders.find_current(archive.root))), "meta")
    engine = TantivyEngine(archive.root)
    assert [engine.position() for _ in range(5)] == [None] * 5
    assert len(caplog.records) == 1
    archive.index()
    assert ask(engine, "title").total == 1
