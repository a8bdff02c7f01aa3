"""From sounds to a note grid: the pipeline of Open NSynth Super (Google, 2018), in one command.

`corners` and `cleaning` are pure functions of arrays and names, for numpy alone; `project` is the
folder a musician works in, `work` what was done there so far; `render` goes through with it, on this
computer (`batches`) or on many (`cluster`).
"""
