"""Uploads are deleted once they are answered."""

from pathlib import Path

from genres.demo.uploads import Uploads


def test_a_file_is_there_until_the_last_one_who_waits_is_answered(tmp_path: Path) -> None:
    path = tmp_path / "hash/song.wav"
    path.parent.mkdir()
    path.write_bytes(b"song")
    uploads = Uploads()
    for _ in range(2):
        uploads.expect(str(path))
    uploads.answered(str(path))
    assert path.exists()
    uploads.answered(str(path))
    assert list(tmp_path.iterdir()) == []
    uploads.answered(str(path))  # of a file that is gone


def test_another_file_beside_it_stays(tmp_path: Path) -> None:
    path, other = tmp_path / "song.wav", tmp_path / "other.wav"
    for file in (path, other):
        file.write_bytes(b"song")
    uploads = Uploads()
    uploads.expect(str(path))
    uploads.expect(None)
    uploads.answered(str(path))
    assert list(tmp_path.iterdir()) == [other]
