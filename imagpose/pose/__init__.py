"""Poses from photographs: detectors behind one contract, :class:`imagpose.data.pose_detector.PoseDetector`.

``load_detector("mannequin")`` is the way in, see :mod:`imagpose.pose.detectors`.
"""
