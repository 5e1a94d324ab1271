# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at an uploaded PDF before it is accepted, in a process of its own.

A PDF comes from anybody and is read by a parser in Python: a hostile one may ask for endless time or memory. The child has limits
of both, and only its answer of one line comes back.
"""

import asyncio
import json
import os
import resource
import sys
from typing import BinaryIO

MAGIC = b"%PDF-"
# The format lets the mark stand anywhere in the first kilobyte.
MAGIC_WITHIN = 1024
MEMORY_BYTES = 256 * 1024 * 1024
# Children at once: together they stay inside the container's memory.
AT_ONCE = 2
CPU_SECONDS = 20
WALL_SECONDS = 30


class NotAcceptable(Exception):
    """The upload is refused; the text is one sentence for the person who sent it."""


def check_magic(start: bytes) -> None:
    """Raises NotAcceptable when the bytes are not the beginning of a PDF."""
    if MAGIC not in start[:MAGIC_WITHIN]:
        raise NotAcceptable("The file is not a PDF: it does not begin with %PDF.")


async def count_pages(file: BinaryIO, most: int) -> int:
    """The number of pages of the PDF in a real file. Raises NotAcceptable."""
    file.seek(0)
    check_magic(file.read(MAGIC_WITHIN))
    file.flush()
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        stdin=file.fileno(),
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(WALL_SECONDS):
            output, unused = await child.communicate()
    except TimeoutError:
        raise NotAcceptable("The PDF takes too long to read, so it is not accepted.") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
        file.seek(0)
    try:
        answer = json.loads(output)
    except ValueError:
        raise NotAcceptable("The PDF needs more time or memory to be read than one document may take.") from None
    if "problem" in answer:
        raise NotAcceptable(answer["problem"])
    pages = answer["pages"]
    if pages == 0:
        raise NotAcceptable("The PDF has no pages.")
    if pages > most:
        raise NotAcceptable(f"The PDF has {pages} pages; at most {most} are accepted.")
    return pages


def _child() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    from pypdf import PdfReader
    from pypdf.errors import FileNotDecryptedError

    try:
        # Opened anew, because reading through the inherited descriptor would move the parent's place in the file.
        with open("/proc/self/fd/0", "rb") as file:
            answer: dict[str, object] = {"pages": PdfReader(file, strict=False).get_num_pages()}
    except FileNotDecryptedError:
        answer = {"problem": "The PDF is protected by a password; remove the password and submit it again."}
    except Exception:  # The parser raises whatever a broken file leads it to; for the sender it is all the same.
        answer = {"problem": "The PDF is damaged: its pages cannot be found."}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    _child()
