"""The genre in an audio file's own tags."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import mutagen
from mutagen.asf import ASF
from mutagen.id3 import ID3, TCON

from genres.core.errors import InputError


def write_genre(path: Path, genre: str, is_confirmed: bool) -> str:
    """Write the genre into a file's tags, where players look for it, and return the one that was there, or "".

    Its other tags, and its sound, stay as they are. The tags are written into a copy, which then takes the file's
    place, or that of the file to which a link points: only if that is confirmed.

    Raises:
        InputError: the file's format has no tags for it, or they are damaged.
        OSError: the file cannot be written.
    """
    path = path.resolve()
    with TemporaryDirectory(dir=path.parent, prefix=".genres-") as folder:
        copy = Path(folder) / path.name
        shutil.copy2(path, copy)
        try:
            audio = mutagen.File(copy, easy=True)
            if audio is None or isinstance(audio, ASF):  # of wma, whose genre has another name
                raise InputError("its format has no tags")
            if audio.tags is None:
                audio.add_tags()
            if isinstance(audio.tags, ID3):  # of wav and AIFF, which have no easy form
                earlier = [text for frame in audio.tags.getall("TCON") for text in frame.text]
                audio.tags.setall("TCON", [TCON(encoding=3, text=[genre])])
            else:
                earlier = audio.get("genre", [])
                audio["genre"] = [genre]
            audio.save()
        except (mutagen.MutagenError, KeyError, ValueError, TypeError, NotImplementedError) as error:
            raise InputError(f"its tags cannot be written ({error})") from None
        if is_confirmed:
            copy.replace(path)
    return ", ".join(earlier)
