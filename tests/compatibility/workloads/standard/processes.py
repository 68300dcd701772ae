"""
Programs and processes that a tool starts.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import math
import multiprocessing
import multiprocessing.shared_memory
import os
import signal
import subprocess
import sys
from typing import Any

from toolcell_worker import tool


@tool(effects="read_only", profile="subprocess")
def pipelines() -> Any:
    """
    Programs connected by pipes, a shell, an interpreter, input and both outputs, exit codes.
    """
    numbers = "\n".join(str(n * 7919 % 1000) for n in range(1000))
    first = subprocess.Popen(["sort", "-n"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    second = subprocess.Popen(["uniq"], stdin=first.stdout, stdout=subprocess.PIPE)
    third = subprocess.Popen(["tail", "-n", "3"], stdin=second.stdout, stdout=subprocess.PIPE)
    assert first.stdin
    assert first.stdout
    assert second.stdout
    first.stdout.close()
    second.stdout.close()
    first.stdin.write(numbers.encode())
    first.stdin.close()
    last = third.communicate(timeout=20)[0].decode().split()
    codes = [first.wait(), second.wait()]
    shell = subprocess.run(
        "for i in 1 2 3; do echo $((i * i)); done | tac; echo bad >&2; exit 3",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    code = "import sys, json; print(json.dumps(sorted(sys.stdin.read().split())))"
    python = subprocess.check_output([sys.executable, "-c", code], input="c a b", text=True)
    killed = subprocess.Popen(["sleep", "60"], start_new_session=True)
    os.killpg(killed.pid, signal.SIGTERM)
    late = ""
    try:
        subprocess.run(["sleep", "60"], timeout=0.05, check=False)
    except subprocess.TimeoutExpired:
        late = "late"
    return [last, codes, shell.stdout, shell.stderr, shell.returncode, python, killed.wait(), late]


@tool(effects="read_only", profile="subprocess")
async def programs_of_an_event_loop() -> Any:
    """
    Eight programs at a time, spoken to over pipes, and one that is killed.
    """

    async def shout(text: str) -> str:
        process = await asyncio.create_subprocess_exec(
            "tr", "a-z", "A-Z", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        return (await process.communicate(text.encode()))[0].decode().strip()

    answers = await asyncio.gather(*(shout(f"word {n}\n") for n in range(8)))
    shell = await asyncio.create_subprocess_shell(
        "wc -c", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    counted = (await shell.communicate(b"x" * 300_000))[0].decode().strip()
    endless = await asyncio.create_subprocess_exec("sleep", "60")
    endless.kill()
    return [answers, counted, await endless.wait()]


@tool(effects="read_only", profile="subprocess")
def forked_pool() -> Any:
    """
    Processes by fork: a pool, a queue, a pipe, a lock, a shared value and shared memory.
    """
    context = multiprocessing.get_context("fork")
    with context.Pool(4) as pool:
        squares = pool.map(math.factorial, range(50), chunksize=5)
        later = pool.apply_async(sorted, ([3, 1, 2],)).get(20)
    value, lock = context.Value("i", 0), context.Lock()
    answers: Any = context.Queue()
    block: Any = multiprocessing.shared_memory.SharedMemory(create=True, size=4096)
    near, far = context.Pipe()

    def add(number: int) -> None:
        for _ in range(100):
            with lock, value.get_lock():
                value.value += 1
        block.buf[number] = number + 1
        answers.put(number)
        far.send(number)

    started = [context.Process(target=add, args=(n,)) for n in range(4)]
    for process in started:
        process.start()
    heard = sorted(answers.get(timeout=20) for _ in started)
    piped = sorted(near.recv() for _ in started)
    for process in started:
        process.join()
    shared = list(block.buf[:4])
    block.close()
    block.unlink()
    return [sum(squares) % 10**9, later, value.value, heard, piped, shared]


@tool(effects="read_only", profile="subprocess")
def spawned_pool() -> Any:
    """
    Processes by spawn: each a fresh interpreter.
    """
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        return [pool.map(math.factorial, range(20)), pool.apply(math.hypot, (3, 4))]


@tool(effects="read_only", profile="subprocess")
def process_pool() -> Any:
    """
    concurrent.futures with processes, and one that dies.
    """
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(4, mp_context=context) as pool:
        squares = list(pool.map(math.isqrt, range(0, 10_000, 100), chunksize=10))
    broken = ""
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        try:
            pool.submit(os._exit, 3).result(20)
        except concurrent.futures.process.BrokenProcessPool as exc:
            broken = type(exc).__name__
    return [squares, broken]


@tool(effects="read_only", profile="subprocess")
def plain_forks() -> Any:
    """
    fork, exec, wait, a process group, a pid descriptor, and a pipe between generations.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        grandchild = os.fork()
        if grandchild == 0:
            os.write(writing, b"grandchild")
            os._exit(0)
        os.waitpid(grandchild, 0)
        os._exit(7)
    os.close(writing)
    _, status = os.waitpid(child, 0)
    said = os.read(reading, 100).decode()
    os.close(reading)
    spawned = os.posix_spawn("/bin/sh", ["sh", "-c", "exit 5"], {})
    descriptor = os.pidfd_open(spawned)
    ended = os.waitid(os.P_PIDFD, descriptor, os.WEXITED)
    os.close(descriptor)
    return [os.waitstatus_to_exitcode(status), said, ended and ended.si_status, os.system("exit 4")]
