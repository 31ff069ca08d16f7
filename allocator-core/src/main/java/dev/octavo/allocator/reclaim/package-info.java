/// What to do before memory runs out: watermarks, and shrinkers that give some back.
package dev.octavo.allocator.reclaim;
