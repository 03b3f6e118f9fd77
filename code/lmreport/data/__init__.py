"""Getting the texts: the download, what a corpus is, reading files, the splits; the sample lies in
sample/.
"""
