"""Filterscope: train a small convolutional network and show what it learned.

The folder listing is the map:

stages/         one file per stage of `dvc.yaml`, same name; reads files, computes, writes files
commands/       what a person runs by hand
hydra_plugins/  what Hydra loads when DVC composes `conf/`: the checks of the configuration
config          the schema of `params.yaml`, its checks, composing and loading it
files           reading and writing: JSON, arrays, `.keras` archives, PNG, all of it atomic
arrays          arrays larger than memory: written and read by rows
images          one image file as the pixels that the network takes
datasets        what a data set is, its checks and its splits
sources         the data sets that can be named, verified
folders         a user's image folder
archives        IDX and `.npz` files
downloads       Keras' cache, mirrors, Debian packages
models          the network: its shapes by arithmetic, and its Keras layers
training        batches, the runtime, the fit and its interrupted-run state
metrics         scores, confusion, mistakes
experiments     one DVC experiment, run in a process and a clone of its own
sweeps          what a sweep will run, and its checks before anything runs
sweep_jobs      the jobs of a sweep while it runs: their states, the table on the screen
revisions       what a branch, tag, commit or experiment holds, without checking it out
cluster         a sweep on a Ray cluster: connecting, sending jobs, taking results in
cluster_checks  whether its nodes could get the commit and the data
nodes           what a node of the cluster is sent: make a clone, run a job in it
node_job        the job in that clone: run the experiment, push it
weights         kernels: statistics, tiles, distance from the untrained network
features        feature maps, fire rates, the way of one image through the network
patches         receptive fields, and the patches of images that excite a filter most
importance      what a filter is worth: ablation
attributions    which pixels a class rests on: integrated gradients
sanity          whether such maps depend on what the network learned
comparisons     what differs between runs, and whether a score got better or worse
comparison_tables     the same in words: tables, Markdown, JSON
comparison_plots      the same as pictures, written to a folder
figures         what all pictures share: size, colours, tiles, images
weight_figures  pictures of the kernels and of the architecture
evaluation_figures    pictures of what the network gets right and wrong
feature_figures pictures of the feature maps of one image
walk_figures    pictures of the way of one image
explanation_figures   pictures of the explanations
sweep_runs      the runs of a sweep together: configurations, spread over seeds, Pareto front
sweep_figures   pictures of a sweep: accuracy against size and against what was swept
sweep_run_figures     losses and first kernels of a sweep's runs
sweep_summary   the answer of a sweep in words
sweep_results   reading the experiments of a sweep, writing its table, pictures and page
comparison_figures    pictures of what differs between runs

Imports run one way: stages -> nouns -> config.
"""
