"""The room in which bytes of strangers are decoded: what a process takes from itself before it looks at them.

Afterwards it has the descriptors that it holds, the fonts of the system to read, and memory up to a bound: no other
files, no network, no programs, no signals. It decodes nothing and starts no process.
"""
