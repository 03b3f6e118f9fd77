"""The ground everything stands on: settings, files, machine; it imports nothing of the other
packages.
"""
