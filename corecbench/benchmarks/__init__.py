"""Run files that come with corecbench: `corecbench run --config NAME` runs one, such as `three-datasets`.

`corecbench describe benchmarks` lists them. The first line of each file says what it shows. The folder `tuned`
holds settings of models that several run files include; `trials.csv` there says how they were found.
"""
