from unibuild.analysis.api import rule

def broken(:
    pass
