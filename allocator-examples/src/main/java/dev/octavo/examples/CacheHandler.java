package dev.octavo.examples;

import dev.octavo.allocator.AllocationMode;
import dev.octavo.allocator.PageAllocator;
import dev.octavo.allocator.PageArena;
import dev.octavo.allocator.context.check.AtomicContext;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// A cache off the heap, one for each connection, on Netty's event loop: [EventLoop] runs it.
///
/// - Values are asked for with mode ATOMIC, which never sleeps, and may use the reserve.
/// - What one request needs for itself comes from an arena of that mode, rewound after each.
/// - What can be had only by waiting, a worker waits for. The segment comes back to the loop, so
///   all fields belong to the loop's thread.
///
/// What Netty calls is marked, and `EventLoopTest` checks that nothing it calls sleeps.
final class CacheHandler extends SimpleChannelInboundHandler<CacheHandler.Request> {

  /// What a client sends; it gets a text back.
  sealed interface Request {

    /// Stores a value, here the key as a C string and as many bytes more.
    record Put(String key, long byteSize) implements Request {}

    /// Frees a value.
    record Drop(String key) implements Request {}
  }

  private final PageAllocator pages;
  private final Executor worker;
  private final PageArena scratch;
  private final Map<String, MemorySegment> values = new HashMap<>();

  CacheHandler(PageAllocator pages, Executor worker) {
    this.pages = pages;
    this.worker = worker;
    // Unscoped: closing it needs no handshake with other threads.
    scratch = pages.openUnscopedArena(AllocationMode.ATOMIC);
  }

  @Override
  @AtomicContext
  protected void channelRead0(ChannelHandlerContext context, Request request) {
    switch (request) {
      case Request.Put put -> put(context, put);
      case Request.Drop drop -> {
        free(values.remove(drop.key()));
        answer(context, "dropped " + drop.key());
      }
    }
    scratch.rewind();
  }

  private void put(ChannelHandlerContext context, Request.Put put) {
    MemorySegment name = scratch.uninitialized().allocateFrom(put.key());
    long byteSize = name.byteSize() + put.byteSize();
    MemorySegment value = pages.tryAllocate(byteSize, 1, AllocationMode.ATOMIC);
    if (value == null) {
      putLater(context, put.key(), byteSize);
      return;
    }
    value.copyFrom(name);
    keep(context, put.key(), value);
  }

  /// Hands a request over that waits for memory. The loop goes on meanwhile.
  private void putLater(ChannelHandlerContext context, String key, long byteSize) {
    CompletableFuture<Void> _ =
        CompletableFuture.supplyAsync(new PatientRequest(pages, byteSize), worker)
            .thenAcceptAsync(value -> arrived(context, key, value), context.executor())
            .whenComplete(
                (_, failure) -> {
                  if (failure != null) {
                    context.pipeline().fireExceptionCaught(failure);
                  }
                });
  }

  /// Runs on the worker, and may sleep there. A class and not a lambda, as a lambda counts as
  /// called where it is written when the methods above are checked.
  private record PatientRequest(PageAllocator pages, long byteSize)
      implements Supplier<MemorySegment> {

    @Override
    public MemorySegment get() {
      return pages.allocate(byteSize);
    }
  }

  /// On the loop again. The connection may have ended meanwhile.
  private void arrived(ChannelHandlerContext context, String key, MemorySegment value) {
    if (context.isRemoved()) {
      pages.free(value);
      return;
    }
    value.setString(0, key);
    keep(context, key, value);
  }

  private void keep(ChannelHandlerContext context, String key, MemorySegment value) {
    free(values.put(key, value));
    answer(context, "stored " + value.getString(0) + ": " + (value.byteSize() >> 10) + " KiB");
  }

  private void free(@Nullable MemorySegment value) {
    if (value != null) {
      pages.free(value);
    }
  }

  private static void answer(ChannelHandlerContext context, String text) {
    ChannelFuture _ = context.writeAndFlush(text);
  }

  @Override
  @AtomicContext
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    answer(context, "failed: " + cause.getMessage());
  }

  /// The connection has ended: its memory goes back.
  @Override
  @AtomicContext
  public void handlerRemoved(ChannelHandlerContext context) {
    values.values().forEach(pages::free);
    values.clear();
    scratch.close();
  }
}
