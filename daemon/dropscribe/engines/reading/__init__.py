"""How a page is read by the embedded engine: the sessions, the picture they see, turning, order, joining.

Nothing here knows jobs, files or the daemon. `ppocr` is the only module that names rapidocr, and it imports it
only when the sessions are built; another engine may use it alone to set pages upright.
"""
