package dev.octavo.allocator.context.check;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/// Says that a method must not sleep, nor anything that it calls: it runs on an event loop, under a
/// lock, in a callback or a handler.
///
/// On a type it stands for all methods that the type declares, constructors aside. A method that
/// overrides or implements one so marked is marked as well.
///
/// [SleepCheck] fails if such a method reaches one that may sleep. It is in the class file, and has
/// no effect at run time; what guards a section at run time is the class of the same name in the
/// package above.
@Documented
@Retention(RetentionPolicy.CLASS)
@Target({ElementType.METHOD, ElementType.CONSTRUCTOR, ElementType.TYPE})
public @interface AtomicContext {}
