"""
Many things at a time in one process: threads, signals, event loops.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import queue
import signal
import socket
import threading
import time
from typing import Any

from toolcell_worker import tool

THREADS = 32


@tool(effects="read_only")
def threads() -> Any:
    """
    32 threads that meet at a barrier, and share a lock, a condition, a semaphore and queues.
    """
    barrier, lock = threading.Barrier(THREADS), threading.Lock()
    few, done = threading.Semaphore(4), threading.Condition()
    work: queue.Queue[int] = queue.Queue()
    results: queue.PriorityQueue[int] = queue.PriorityQueue()
    counted, finished = [0], [0]

    def serve() -> None:
        barrier.wait(20)
        while True:
            try:
                number = work.get_nowait()
            except queue.Empty:
                break
            with few:
                results.put(number * number)
            with lock:
                counted[0] += 1
        with done:
            finished[0] += 1
            done.notify_all()

    for number in range(1000):
        work.put(number)
    started = [threading.Thread(target=serve) for _ in range(THREADS)]
    for thread in started:
        thread.start()
    with done:
        complete = done.wait_for(lambda: finished[0] == THREADS, 20)
    for thread in started:
        thread.join()
    total = sum(results.get() for _ in range(results.qsize()))
    return [complete, counted[0], total, threading.active_count() >= 1]


@tool(effects="read_only")
def thread_pool() -> Any:
    """
    A pool of the size that the library chooses, and one of 32; timers and thread locals.
    """
    local, rung = threading.local(), threading.Event()

    def square(number: int) -> int:
        local.number = number
        return int(local.number**2)

    with concurrent.futures.ThreadPoolExecutor() as pool:
        first = sum(pool.map(square, range(500)))
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        futures = [pool.submit(square, n) for n in range(500)]
        second = sum(f.result() for f in concurrent.futures.as_completed(futures))
    timer = threading.Timer(0.01, rung.set)
    timer.start()
    return [first, second, rung.wait(20)]


@tool(effects="read_only")
def signals() -> Any:
    """
    An alarm that interrupts, an interval timer, a signal to oneself, a wake-up descriptor.
    """
    heard: list[int] = []
    for number in (signal.SIGALRM, signal.SIGUSR1, signal.SIGTERM):
        signal.signal(number, lambda number, _: heard.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    until = time.monotonic() + 20
    while not heard and time.monotonic() < until:
        time.sleep(0.001)  # pause() would wait for another if the signal has just been heard
    signal.raise_signal(signal.SIGUSR1)
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
    near, far = socket.socketpair()
    far.setblocking(False)
    old = signal.set_wakeup_fd(far.fileno())
    signal.raise_signal(signal.SIGUSR1)
    woken = near.recv(8)
    signal.set_wakeup_fd(old)
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    signal.raise_signal(signal.SIGUSR1)
    pending = signal.sigwait({signal.SIGUSR1})
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    near.close()
    far.close()
    return [heard, list(woken), int(pending)]


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(line.upper())
        await writer.drain()
    writer.close()


@tool(effects="read_only")
async def event_loop() -> Any:
    """
    Streams over a socket pair, an executor, tasks, timeouts and a signal handler of the loop.
    """
    near, far = socket.socketpair()
    server = asyncio.create_task(_echo(*await asyncio.open_connection(sock=far)))
    reader, writer = await asyncio.open_connection(sock=near)
    answers = []
    for number in range(50):
        writer.write(b"line %d\n" % number)
        answers.append((await reader.readline()).decode().strip())
    writer.close()
    await server
    loop = asyncio.get_running_loop()
    sums = await asyncio.gather(
        *(loop.run_in_executor(None, sum, range(n)) for n in range(0, 2000, 100))
    )
    rung = asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, rung.set)
    signal.raise_signal(signal.SIGUSR1)
    await asyncio.wait_for(rung.wait(), 20)
    loop.remove_signal_handler(signal.SIGUSR1)
    late = False
    try:
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()
    except TimeoutError:
        late = True
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    variable.set("kept")
    kept = await asyncio.to_thread(variable.get)
    return [answers[-1], sums, late, kept]
